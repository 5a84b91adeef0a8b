import { connect as connectSocket } from 'node:net'
import { HadoopError, messageOf } from '../errors.ts'
import { transferSasl } from '../messages/data-transfer.ts'
import { frame } from '../rpc/frames.ts'
import { answerDigest } from '../sasl/digest-md5.ts'
import type { Protection, SecurityLayer } from '../sasl/protection.ts'
import { delimited } from '../wire/delimited.ts'
import type { Message } from '../wire/message.ts'
import { createByteQueue } from './byte-queue.ts'

const maximumMessageBytes = 1 << 16
const maximumWrappedBytes = 1 << 20
const saslMagic = Buffer.from('deadbeef', 'hex')

/** With what one logs in to a DataNode: a block's token, or the key of a cluster that encrypts everything. */
export interface TransferLogin {
  readonly username: string
  readonly password: string
  readonly protections: readonly Protection[]
}

/** A connection with a DataNode. A failure, or silence for `limitMs` while something is waited for, ends it. */
export interface Transfer {
  /** Done when the next may be sent. */
  send(bytes: Buffer): Promise<void>
  receive<T>(type: Message<T>): Promise<T>
  close(): void
}

export async function openTransfer(options: {
  readonly host: string
  readonly port: number
  readonly login: TransferLogin | null
  readonly limitMs: number
  readonly signal?: AbortSignal | undefined
}): Promise<Transfer> {
  const { host, port, login, limitMs, signal } = options
  const place = `the DataNode ${host}:${port}`
  const raw = createByteQueue()
  const plain = createByteQueue()
  let layer: SecurityLayer | null = null
  let failure: HadoopError | null = null
  const socket = connectSocket({ host, port, noDelay: true })
  const fail = (why: string) => {
    if (failure !== null) return
    failure = new HadoopError('unreachable', `${place}: ${why}`)
    socket.destroy()
    for (const queue of [raw, plain]) queue.fail(failure)
  }
  const abort = () => fail('given up by the caller')
  signal?.addEventListener('abort', abort)
  socket.setTimeout(limitMs, () => fail(`no answer within ${limitMs / 1000} s`))
  socket.on('error', (error) => fail(error.message))
  socket.on('close', () => fail('it closed the connection'))
  socket.on('data', (bytes) => raw.push(bytes))

  const write = (bytes: Buffer) =>
    new Promise<void>((resolve, reject) => {
      if (failure !== null) return reject(failure)
      // Told only when the bytes are with the system, so what is held here is bounded.
      socket.write(bytes, (error) => (error == null ? resolve() : reject(failure ?? error)))
    })
  const receiveFrom = async <T>(queue: typeof raw, type: Message<T>): Promise<T> => {
    let length = 0
    for (let shift = 0; ; shift += 7) {
      const byte = (await queue.take(1)).readUInt8(0)
      length += (byte & 0x7f) * 2 ** shift
      if (length > maximumMessageBytes || shift > 21)
        throw new HadoopError('protocol', `${place} sent a message that is too long`)
      if (byte < 0x80) break
    }
    return type.decode(await queue.take(length))
  }
  /** With a layer everything comes as uint32 length, wrapped bytes. */
  const unwrapAll = async (unwrapping: SecurityLayer) => {
    for (;;) {
      const length = (await raw.take(4)).readUInt32BE(0)
      if (length > maximumWrappedBytes)
        throw new HadoopError('protocol', `${place} sent a message that is too long`)
      plain.push(unwrapping.unwrap(await raw.take(length)))
    }
  }

  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('close', () => reject(failure))
    })
    if (login !== null) {
      layer = await logIn(login, place, write, () => receiveFrom(raw, transferSasl))
      if (layer !== null) unwrapAll(layer).catch((error) => fail(messageOf(error)))
    }
  } catch (error) {
    fail(messageOf(error))
    throw error
  }
  return {
    async send(bytes) {
      if (layer === null) return write(bytes)
      for (let at = 0; at < bytes.length; at += layer.maximumBytes)
        await write(frame(layer.wrap(bytes.subarray(at, at + layer.maximumBytes))))
    },
    receive: (type) => receiveFrom(layer === null ? raw : plain, type),
    close() {
      signal?.removeEventListener('abort', abort)
      fail('closed')
    },
  }
}

// DIGEST-MD5 again (sasl/digest-md5.ts), in other clothes: an empty message from the client, the challenge, the response, the server's proof.

async function logIn(
  { username, password, protections }: TransferLogin,
  place: string,
  write: (bytes: Buffer) => Promise<void>,
  receive: () => Promise<{
    readonly status: string
    readonly payload?: Uint8Array | undefined
    readonly message?: string | undefined
  }>,
): Promise<SecurityLayer | null> {
  const say = (payload: Buffer) =>
    write(delimited(transferSasl.encode({ status: 'SUCCESS', payload })))
  const hear = async () => {
    const { status, payload, message = status } = await receive()
    if (status !== 'SUCCESS')
      throw new HadoopError('security', `${place} refuses the login: ${message.slice(0, 500)}`)
    return payload ?? Buffer.alloc(0)
  }
  await write(saslMagic)
  await say(Buffer.alloc(0))
  const reply = answerDigest(await hear(), { username, password, uri: 'hdfs/0', protections })
  await say(reply.response)
  return reply.verify(await hear())
}
