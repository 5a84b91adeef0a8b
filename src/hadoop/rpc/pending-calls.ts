import { HadoopError, messageOf } from '../errors.ts'
import type { rpcResponseHeader } from '../messages/rpc.ts'
import type { DelimitedReader } from '../wire/delimited.ts'
import type { MessageOf } from '../wire/message.ts'
import type { Call } from './connection.ts'
import { remoteError } from './remote-error.ts'

/** The calls of a connection that have no answer yet. */
export interface PendingCalls {
  readonly count: number
  /** To be called before the call is sent. `silent` is told when its time is over and nothing at all came meanwhile. */
  add<Request, Response>(call: Call<Request, Response>, silent: () => void): Promise<Response>
  /** The bytes that came were an answer; to nobody, if the time of its call was over. */
  answer(header: MessageOf<typeof rpcResponseHeader>, reader: DelimitedReader): void
  /** Something came. */
  heard(): void
  failAll(error: HadoopError): void
}

interface Pending {
  answer(header: MessageOf<typeof rpcResponseHeader>, reader: DelimitedReader): void
  fail(error: unknown): void
}

export function createPendingCalls(place: string): PendingCalls {
  const calls = new Map<number, Pending>()
  let heardCount = 0

  return {
    get count() {
      return calls.size
    },
    add: (call, silent) =>
      new Promise((resolve, reject) => {
        const heardBefore = heardCount
        const settle = <T>(then: (value: T) => void, value: T) => {
          calls.delete(call.id)
          clearTimeout(timer)
          call.signal?.removeEventListener('abort', abort)
          then(value)
        }
        const timer = setTimeout(() => {
          const words = `${place} did not answer ${call.method} within ${(call.limitMs / 1000).toFixed(1)} s`
          settle(reject, new HadoopError('unknown-outcome', words))
          if (heardCount === heardBefore) silent()
        }, call.limitMs)
        const abort = () =>
          settle(reject, new HadoopError('closed', `${call.method} was given up by its caller`))
        if (call.signal?.aborted) return abort()
        call.signal?.addEventListener('abort', abort)
        calls.set(call.id, {
          fail: (error) => settle(reject, error),
          answer(header, reader) {
            if (header.status !== 'SUCCESS') return settle(reject, remoteError(header))
            try {
              const value = reader.next(call.response)
              settle(resolve, value)
            } catch (error) {
              settle(reject, error)
            }
          },
        })
      }),
    answer: (header, reader) => calls.get(header.callId)?.answer(header, reader),
    heard() {
      heardCount += 1
    },
    failAll(error) {
      // What was refused before any call was looked at, as an identity is, was not done; of the rest nobody knows.
      const words = `${place} ended the connection: ${messageOf(error)}`
      const isKnown = error.code === 'security' || error.code === 'remote'
      for (const each of [...calls.values()])
        each.fail(isKnown ? error : new HadoopError('unknown-outcome', words, { cause: error }))
    },
  }
}
