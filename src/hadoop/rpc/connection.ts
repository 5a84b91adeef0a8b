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
import type { Protection } from '../sasl/protection.ts'
import { delimited, readDelimited } from '../wire/delimited.ts'
import type { Message, MessageOf } from '../wire/message.ts'
import { authenticate, type Login } from './authenticate.ts'
import { createFrameStream, type FrameStream } from './frame-stream.ts'
import { createPendingCalls } from './pending-calls.ts'
import { remoteError } from './remote-error.ts'
import type { ExpectedServer } from './service-principal.ts'

type RpcSasl = MessageOf<typeof rpcSasl>

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
  /** Ends connecting and logging in. */
  readonly signal: AbortSignal
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
  const { clientId, limitMs, login, protocol } = options
  const { host, port } = options.server
  const place = `${host}:${port}`
  const pending = createPendingCalls(place)
  let loginAnswer: ((answer: RpcSasl | HadoopError) => void) | null = null

  const socket = connectSocket({ host, port, noDelay: true, keepAlive: true })
  const stream = createFrameStream(socket, {
    place,
    wrapHeader: headerOf(clientId, saslCallId),
    onFrame(payload) {
      pending.heard()
      const reader = readDelimited(payload)
      const header = reader.next(rpcResponseHeader)
      if (header.status === 'FATAL') throw remoteError(header)
      if (header.callId !== saslCallId) return pending.answer(header, reader)
      if (header.status !== 'SUCCESS') throw remoteError(header)
      if (loginAnswer === null)
        throw new HadoopError('protocol', `${place} speaks of a login when there is none`)
      loginAnswer(reader.next(rpcSasl))
    },
    onFailure(error) {
      loginAnswer?.(error)
      pending.failAll(error)
    },
  })
  const ask = (message: RpcSasl) =>
    new Promise<RpcSasl>((resolve, reject) => {
      if (stream.failure !== null) return reject(stream.failure)
      loginAnswer = (answer) => {
        loginAnswer = null
        if (answer instanceof HadoopError) reject(answer)
        else resolve(answer)
      }
      stream.send(delimited(headerOf(clientId, saslCallId), rpcSasl.encode(message)))
    })

  const words = `${place} did not answer within ${(limitMs / 1000).toFixed(1)} s`
  const late = setTimeout(() => stream.fail(new HadoopError('unreachable', words)), limitMs)
  const close = () =>
    stream.fail(new HadoopError('closed', `the connection to ${place} was closed`))
  options.signal.addEventListener('abort', close)
  try {
    await connected(socket, stream)
    socket.write(Buffer.from([...Buffer.from('hrpc'), 9, 0, login.kind === 'simple' ? 0 : 0xdf]))
    stream.loggedIn(login.kind === 'simple' ? null : await authenticate({ ...options, login, ask }))
    if (stream.failure !== null) throw stream.failure
    stream.send(delimited(headerOf(clientId, connectionContextCallId), contextOf(options)))
  } catch (cause) {
    const error =
      cause instanceof HadoopError ? cause : new HadoopError('protocol', messageOf(cause))
    stream.fail(error)
    throw error
  } finally {
    clearTimeout(late)
    options.signal.removeEventListener('abort', close)
  }

  return {
    get isOpen() {
      return stream.failure === null
    },
    get inFlight() {
      return pending.count
    },
    async call(call, request) {
      if (stream.failure !== null) throw new HadoopError('unreachable', stream.failure.message)
      const payload = delimited(
        headerOf(clientId, call.id, call.retryCount),
        requestHeader.encode({
          methodName: call.method,
          declaringClassProtocolName: protocol,
          clientProtocolVersion: 1,
        }),
        call.request.encode(request),
      )
      const answer = pending.add(call, () =>
        stream.fail(new HadoopError('unreachable', `${place} accepts calls but answers none`)),
      )
      stream.send(payload)
      return answer
    },
    close,
  }
}

function headerOf(clientId: Buffer, callId: number, retryCount = -1): Buffer {
  return rpcRequestHeader.encode({
    ...{ rpcKind: 'RPC_PROTOCOL_BUFFER', rpcOp: 'RPC_FINAL_PACKET' },
    ...{ callId, clientId, retryCount },
  })
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

function connected(socket: Socket, stream: FrameStream): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('close', () => reject(stream.failure))
  })
}
