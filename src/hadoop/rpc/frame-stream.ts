import type { Socket } from 'node:net'
import { HadoopError, messageOf } from '../errors.ts'
import { rpcResponseHeader, rpcSasl, saslCallId } from '../messages/rpc.ts'
import type { SecurityLayer } from '../sasl/protection.ts'
import { delimited, readDelimited } from '../wire/delimited.ts'
import { createFrameReader, frame } from './frames.ts'
import { remoteError } from './remote-error.ts'

/** As ipc.maximum.response.length, of which Hadoop's own clients take twice as much. */
const maximumFrameBytes = 64 << 20
/** Before the login nobody needs more. */
const maximumLoginBytes = 1 << 20

/** The frames of a connection, to and fro; from `loggedIn` on through the layer that was agreed on. The first failure ends it. */
export interface FrameStream {
  readonly failure: HadoopError | null
  send(payload: Buffer): void
  loggedIn(layer: SecurityLayer | null): void
  fail(error: HadoopError): void
}

export function createFrameStream(
  socket: Socket,
  options: {
    readonly place: string
    /** The RpcRequestHeader of what is wrapped. */
    readonly wrapHeader: Buffer
    /** What it throws ends the stream. */
    readonly onFrame: (payload: Buffer) => void
    readonly onFailure: (error: HadoopError) => void
  },
): FrameStream {
  const { place, onFrame } = options
  let frames = createFrameReader(maximumLoginBytes)
  const unwrapped = createFrameReader(maximumFrameBytes)
  let layer: SecurityLayer | null = null
  let failure: HadoopError | null = null

  const fail = (error: HadoopError) => {
    if (failure !== null) return
    failure = error
    socket.destroy()
    layer?.close()
    options.onFailure(error)
  }
  const unwrap = (payload: Buffer, agreed: SecurityLayer): readonly Buffer[] => {
    const reader = readDelimited(payload)
    const header = reader.next(rpcResponseHeader)
    if (header.status === 'FATAL') throw remoteError(header)
    const said = header.callId === saslCallId ? reader.next(rpcSasl) : null
    // Else somebody between could answer in the server's name.
    if (said?.state !== 'WRAP' || said.token === undefined)
      throw new HadoopError(
        'security',
        `${place} answers without the protection that was agreed on`,
      )
    return unwrapped.push(agreed.unwrap(Buffer.from(said.token)))
  }

  socket.on('data', (bytes) => {
    try {
      for (const payload of frames.push(bytes))
        for (const each of layer === null ? [payload] : unwrap(payload, layer)) onFrame(each)
    } catch (error) {
      fail(error instanceof HadoopError ? error : new HadoopError('protocol', messageOf(error)))
    }
  })
  socket.on('error', (cause) => fail(new HadoopError('unreachable', `${place}: ${cause.message}`)))
  socket.on('close', () => fail(new HadoopError('unreachable', `${place} closed the connection`)))

  return {
    get failure() {
      return failure
    },
    send(payload) {
      const whole = frame(payload)
      if (layer === null) return void socket.write(whole)
      try {
        for (let at = 0; at < whole.length; at += layer.maximumBytes) {
          const token = layer.wrap(whole.subarray(at, at + layer.maximumBytes))
          const wrapped = rpcSasl.encode({ state: 'WRAP', token })
          socket.write(frame(delimited(options.wrapHeader, wrapped)))
        }
      } catch (cause) {
        fail(new HadoopError('security', `${place}: ${messageOf(cause)}`, { cause }))
      }
    },
    loggedIn(agreed) {
      layer = agreed
      frames = createFrameReader(maximumFrameBytes)
    },
    fail,
  }
}
