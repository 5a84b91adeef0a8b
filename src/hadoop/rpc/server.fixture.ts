import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import {
  connectionContextCallId,
  ipcConnectionContext,
  requestHeader,
  rpcRequestHeader,
  rpcResponseHeader,
  rpcSasl,
  saslCallId,
} from '../messages/rpc.ts'
import { delimited, readDelimited } from '../wire/delimited.ts'
import type { MessageOf } from '../wire/message.ts'
import { createFrameReader, frame } from './frames.ts'
import type { ExpectedServer } from './service-principal.ts'

export interface SeenCall {
  readonly method: string
  readonly id: number
  readonly clientId: string
  readonly retryCount: number
  readonly effectiveUser: string | undefined
  readonly connection: number
}

export type Answer =
  | { readonly response: Buffer }
  | { readonly className: string; readonly message?: string; readonly isFatal?: boolean }
  | 'silence'
  | 'hang up'
  | { readonly raw: Buffer }

export interface FakeServer {
  readonly server: ExpectedServer
  readonly calls: readonly SeenCall[]
  /** Connections made so far. */
  readonly connections: number
  readonly open: number
  /** Whether the login was begun. */
  readonly sasl: readonly MessageOf<typeof rpcSasl>[]
  stop(): Promise<void>
}

/** A server of Hadoop's RPC that lies, hangs or loses answers, as a real one cannot be made to. */
export async function startFakeServer(options: {
  readonly onCall?: (call: SeenCall) => Answer
  readonly onSasl?: (said: MessageOf<typeof rpcSasl>) => MessageOf<typeof rpcSasl> | Answer
  readonly onConnect?: (socket: Socket) => void
}): Promise<FakeServer> {
  const calls: SeenCall[] = []
  const sasl: MessageOf<typeof rpcSasl>[] = []
  const sockets = new Set<Socket>()
  let connections = 0

  const answer = (socket: Socket, callId: number, given: Answer) => {
    if (given === 'silence') return
    if (given === 'hang up') socket.destroy()
    else if ('raw' in given) socket.write(given.raw)
    else if ('response' in given)
      socket.write(
        frame(delimited(rpcResponseHeader.encode({ callId, status: 'SUCCESS' }), given.response)),
      )
    else {
      const header = rpcResponseHeader.encode({
        callId,
        status: given.isFatal ? 'FATAL' : 'ERROR',
        exceptionClassName: given.className,
        errorMsg: given.message ?? `${given.className}: no\n\tat Server.java:1`,
      })
      socket.write(frame(delimited(header)))
    }
  }

  const listener = createServer((socket) => {
    const connection = connections++
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined)
    options.onConnect?.(socket)
    const frames = createFrameReader(1 << 20)
    let preamble = 7
    let effectiveUser: string | undefined
    socket.on('data', (bytes) => {
      const rest = bytes.subarray(Math.min(preamble, bytes.length))
      preamble -= bytes.length - rest.length
      for (const payload of frames.push(rest)) {
        const reader = readDelimited(payload)
        const { callId, clientId, retryCount = -1 } = reader.next(rpcRequestHeader)
        if (callId === saslCallId) {
          const said = reader.next(rpcSasl)
          sasl.push(said)
          const reply = options.onSasl?.(said) ?? 'silence'
          answer(
            socket,
            saslCallId,
            typeof reply === 'object' && 'state' in reply
              ? { response: rpcSasl.encode(reply) }
              : reply,
          )
        } else if (callId === connectionContextCallId)
          effectiveUser = reader.next(ipcConnectionContext).userInfo?.effectiveUser
        else {
          const { methodName: method } = reader.next(requestHeader)
          const client = Buffer.from(clientId).toString('hex')
          const seen = {
            method,
            id: callId,
            clientId: client,
            retryCount,
            effectiveUser,
            connection,
          }
          calls.push(seen)
          answer(socket, callId, options.onCall?.(seen) ?? 'silence')
        }
      }
    })
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as AddressInfo
  return {
    server: {
      host: '127.0.0.1',
      port,
      property: 'yarn.resourcemanager.principal',
      principal: 'yarn/rm.example.org@EXAMPLE.ORG',
    },
    calls,
    sasl,
    get connections() {
      return connections
    },
    get open() {
      return sockets.size
    },
    async stop() {
      const closed = once(listener, 'close')
      listener.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}
