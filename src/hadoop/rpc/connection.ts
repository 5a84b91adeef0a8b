import { connect as connectSocket, type Socket } from 'node:net'
import { HadoopError, messageOf } from '../errors.ts'
import {
  connectionContextCallId,
  ipcConnectionContext,
  requestHeader,
  rpcRequestHeader,
  rpcResponseHeader,
  rpcSasl,
  saslCallId,
} from '../messages/rpc.ts'
import type { Protection, SecurityLayer } from '../sasl/protection.ts'
import { delimited, readDelimited } from '../wire/delimited.ts'
import type { Message, MessageOf } from '../wire/message.ts'
import { authenticate, type Login } from './authenticate.ts'
import { createFrameReader, frame } from './frames.ts'
import { createPendingCalls } from './pending-calls.ts'
import { remoteError } from './remote-error.ts'
import type { ExpectedServer } from './service-principal.ts'

/** As ipc.maximum.response.length, of which Hadoop's own clients take twice as much. */
const maximumFrameBytes = 64 << 20
/** Before the login nobody needs more. */
const maximumLoginBytes = 1 << 20

export interface ConnectionOptions {
  readonly server: ExpectedServer
  /** The Java interface that is spoken, in full. */
  readonly protocol: string
  readonly login: Login
  /** Whom to act as, in place of who logs in; not with a token. */
  readonly onBehalfOf?: string | undefined
  readonly protections: readonly Protection[]
  /** 16 bytes; with a call's id it tells the server which calls are the same. */
  readonly clientId: Buffer
  /** For connecting and logging in. */
  readonly limitMs: number
}

export interface Call<Request, Response> {
  readonly id: number
  readonly retryCount: number
  readonly method: string
  readonly request: Message<Request>
  readonly response: Message<Response>
  readonly limitMs: number
  readonly signal?: AbortSignal | undefined
}

/** One connection, logged in. Any number of calls may be in flight. */
export interface RpcConnection {
  readonly isOpen: boolean
  readonly inFlight: number
  /** Rejects with `remote` when the server refuses, with `unknown-outcome` when no answer came. */
  call<Request, Response>(call: Call<Request, Response>, request: Request): Promise<Response>
  /** Ends it; calls in flight fail. */
  close(): void
}

/** Connects and logs in. Rejects with `unreachable` or `security` when that cannot be done; nothing has been called then. */
export async function openConnection(options: ConnectionOptions): Promise<RpcConnection> {
  const { host, port } = options.server
  const place = `${host}:${port}`
  const pending = createPendingCalls(place)
  const socket = connectSocket({ host, port, noDelay: true, keepAlive: true })
  let frames = createFrameReader(maximumLoginBytes)
  let inner = createFrameReader(maximumFrameBytes)
  let layer: SecurityLayer | null = null
  let loginAnswer: ((answer: MessageOf<typeof rpcSasl> | HadoopError) => void) | null = null
  let failure: HadoopError | null = null

  const fail = (error: HadoopError) => {
    if (failure !== null) return
    failure = error
    socket.destroy()
    layer?.close()
    loginAnswer?.(error)
    pending.failAll(error)
  }

  const onFrame = (payload: Buffer, isWrapped: boolean) => {
    const reader = readDelimited(payload)
    const header = reader.next(rpcResponseHeader)
    if (header.status === 'FATAL') return fail(remoteError(header))
    if (header.callId === saslCallId && !isWrapped) {
      if (header.status !== 'SUCCESS') return fail(remoteError(header))
      const said = reader.next(rpcSasl)
      if (said.state === 'WRAP' && layer !== null) {
        for (const each of inner.push(layer.unwrap(Buffer.from(said.token ?? []))))
          onFrame(each, true)
      } else if (loginAnswer !== null) loginAnswer(said)
      else throw new HadoopError('protocol', `${place} speaks of a login when there is none`)
      return
    }
    // Else somebody between could answer in the server's name.
    if (layer !== null && !isWrapped)
      throw new HadoopError(
        'security',
        `${place} answers without the protection that was agreed on`,
      )
    pending.answer(header, reader)
  }

  socket.on('data', (bytes) => {
    try {
      pending.heard()
      for (const each of frames.push(bytes)) onFrame(each, false)
    } catch (error) {
      fail(error instanceof HadoopError ? error : new HadoopError('protocol', messageOf(error)))
    }
  })
  socket.on('error', (cause) => fail(new HadoopError('unreachable', `${place}: ${cause.message}`)))
  socket.on('close', () => fail(new HadoopError('unreachable', `${place} closed the connection`)))

  const send = (...parts: readonly Buffer[]) => {
    const whole = frame(delimited(...parts))
    if (layer === null) socket.write(whole)
    else
      for (let at = 0; at < whole.length; at += layer.maximumBytes) {
        const token = layer.wrap(whole.subarray(at, at + layer.maximumBytes))
        socket.write(frame(delimited(header(saslCallId), rpcSasl.encode({ state: 'WRAP', token }))))
      }
  }
  const header = (callId: number, retryCount = -1) =>
    rpcRequestHeader.encode({
      rpcKind: 'RPC_PROTOCOL_BUFFER',
      rpcOp: 'RPC_FINAL_PACKET',
      callId,
      clientId: options.clientId,
      retryCount,
    })
  const ask = (message: MessageOf<typeof rpcSasl>) =>
    new Promise<MessageOf<typeof rpcSasl>>((resolve, reject) => {
      if (failure !== null) return reject(failure)
      loginAnswer = (answer) => {
        loginAnswer = null
        if (answer instanceof HadoopError) reject(answer)
        else resolve(answer)
      }
      send(header(saslCallId), rpcSasl.encode(message))
    })

  const late = setTimeout(
    () =>
      fail(
        new HadoopError(
          'unreachable',
          `${place} did not answer within ${(options.limitMs / 1000).toFixed(1)} s`,
        ),
      ),
    options.limitMs,
  )
  try {
    await connected(socket, () => failure)
    const { login } = options
    socket.write(Buffer.from([...Buffer.from('hrpc'), 9, 0, login.kind === 'simple' ? 0 : 0xdf]))
    if (login.kind !== 'simple') layer = await authenticate({ ...options, login, ask })
    if (failure !== null) throw failure
    frames = createFrameReader(maximumFrameBytes)
    inner = createFrameReader(maximumFrameBytes)
    send(header(connectionContextCallId), contextOf(options))
  } catch (cause) {
    const error =
      cause instanceof HadoopError ? cause : new HadoopError('protocol', messageOf(cause))
    fail(error)
    throw error
  } finally {
    clearTimeout(late)
  }

  return {
    get isOpen() {
      return failure === null
    },
    get inFlight() {
      return pending.count
    },
    async call(call, request) {
      if (failure !== null) throw new HadoopError('unreachable', failure.message)
      const parts = [
        header(call.id, call.retryCount),
        requestHeader.encode({
          methodName: call.method,
          declaringClassProtocolName: options.protocol,
          clientProtocolVersion: 1,
        }),
        call.request.encode(request),
      ]
      const answer = pending.add(call, () =>
        fail(new HadoopError('unreachable', `${place} accepts calls but answers none`)),
      )
      send(...parts)
      return answer
    },
    close: () => fail(new HadoopError('closed', `the connection to ${place} was closed`)),
  }
}

/** By Kerberos or token the server knows who we are; it is told only as whom to act. */
function contextOf({ login, onBehalfOf, protocol }: ConnectionOptions): Buffer {
  const userInfo =
    login.kind === 'simple'
      ? onBehalfOf === undefined
        ? { effectiveUser: login.user }
        : { effectiveUser: onBehalfOf, realUser: login.user }
      : onBehalfOf === undefined
        ? undefined
        : { effectiveUser: onBehalfOf }
  return ipcConnectionContext.encode({ userInfo, protocol })
}

function connected(socket: Socket, failed: () => HadoopError | null): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('close', () => reject(failed()))
  })
}
