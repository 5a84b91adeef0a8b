import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { HadoopError, messageOf } from '../errors.ts'
import * as files from '../messages/hdfs-files.ts'
import type { getDataEncryptionKeyResponse } from '../messages/hdfs-keys.ts'
import type { Protection } from '../sasl/protection.ts'
import type { MessageOf } from '../wire/message.ts'
import { byteSource } from './byte-source.ts'
import { openTransfer, type Transfer, type TransferLogin } from './transfer.ts'
import { beginBlock, type LocatedBlock, writeBlock } from './write-block.ts'

/** The NameNode's calls that writing takes. */
export interface WriteCalls {
  serverDefaults(): Promise<MessageOf<typeof files.getServerDefaultsResponse>['defaults']>
  encryptionKey(): Promise<MessageOf<typeof getDataEncryptionKeyResponse>['key']>
  create(request: MessageOf<typeof files.createRequest>): Promise<number | undefined>
  addBlock(request: MessageOf<typeof files.addBlockRequest>): Promise<LocatedBlock>
  abandonBlock(request: MessageOf<typeof files.abandonBlockRequest>): Promise<void>
  complete(request: MessageOf<typeof files.completeRequest>): Promise<boolean>
  renewLease(clientName: string): Promise<void>
}

export interface WriteOptions {
  readonly path: string
  readonly mode: number
  readonly isSecure: boolean
  /** dfs.data.transfer.protection. */
  readonly protections: readonly Protection[]
  /** By name rather than by address, as dfs.client.use.datanode.hostname says. */
  readonly byHostName: boolean
  /** A DataNode that says nothing for so long is given up. */
  readonly silenceLimitMs: number
  readonly signal?: AbortSignal | undefined
}

const placeTries = 5
const leaseMs = 20_000
const completeLimitMs = 60_000

/** Writes a new file, block by block. It is whole when this is done; when it fails, something of it may be there. */
export async function writeFile(
  calls: WriteCalls,
  stream: AsyncIterable<Uint8Array>,
  options: WriteOptions,
): Promise<void> {
  const { path: src, signal } = options
  const defaults = await calls.serverDefaults()
  const { blockSize, bytesPerChecksum, replication } = defaults
  const key = defaults.encryptDataTransfer ? await calls.encryptionKey() : undefined
  const clientName = `DFSClient_${randomBytes(8).toString('hex')}`
  const source = byteSource(stream)
  const fileId = await calls.create({
    src,
    clientName,
    permission: { mode: options.mode },
    flags: files.createFlags.create,
    createParent: false,
    replication,
    blockSize,
  })
  const lease = setInterval(() => {
    // One that fails is followed by the next; the NameNode allows a minute.
    calls.renewLease(clientName).catch(() => undefined)
  }, leaseMs)
  try {
    let last: LocatedBlock['block'] | undefined
    while (!(await source.isAtEnd())) {
      signal?.throwIfAborted()
      const place = { ...{ src, clientName, previous: last, fileId }, bytesPerChecksum }
      const { transfer, block } = await placeBlock(calls, place, options, key)
      try {
        const numBytes = await writeBlock(transfer, source, { blockSize, bytesPerChecksum })
        last = { ...block, numBytes }
      } finally {
        transfer.close()
      }
    }
    // False until enough DataNodes have told the NameNode themselves.
    const until = performance.now() + completeLimitMs
    for (
      let waitMs = 50;
      !(await calls.complete({ src, clientName, last, fileId }));
      waitMs *= 1.5
    ) {
      if (performance.now() > until)
        throw new HadoopError('remote', `the NameNode does not know the last block of ${src}`)
      await delay(Math.min(waitMs, 1000), undefined, { signal })
    }
  } finally {
    clearInterval(lease)
  }
}

/** A new block with DataNodes that take it; those that do not are left out at the next try. */
async function placeBlock(
  calls: WriteCalls,
  place: {
    readonly src: string
    readonly clientName: string
    readonly previous: LocatedBlock['block'] | undefined
    readonly fileId: number | undefined
    readonly bytesPerChecksum: number
  },
  options: WriteOptions,
  key: MessageOf<typeof getDataEncryptionKeyResponse>['key'],
): Promise<{ readonly transfer: Transfer; readonly block: LocatedBlock['block'] }> {
  const { src, clientName, fileId, bytesPerChecksum } = place
  const excluded: NonNullable<LocatedBlock['locations']>[number][] = []
  for (let tries = 1; ; tries += 1) {
    const located = await calls.addBlock({ ...place, excluded })
    const [first] = located.locations ?? []
    if (first === undefined)
      throw new HadoopError('remote', `HDFS has no DataNode for a block of ${src}`)
    const { ipAddress, hostName, transferPort } = first.id
    let transfer: Transfer | null = null
    try {
      transfer = await openTransfer({
        host: options.byHostName ? hostName : ipAddress,
        port: transferPort,
        login: loginFor(located, transferPort, options, key),
        limitMs: options.silenceLimitMs,
        signal: options.signal,
      })
      await beginBlock(transfer, located, { clientName, bytesPerChecksum })
      return { transfer, block: located.block }
    } catch (cause) {
      transfer?.close()
      await calls.abandonBlock({ block: located.block, src, holder: clientName, fileId })
      const isOurs = cause instanceof HadoopError && cause.code === 'security'
      if (isOurs || tries >= placeTries || options.signal?.aborted)
        throw cause instanceof HadoopError
          ? cause
          : new HadoopError('unreachable', messageOf(cause), { cause })
      excluded.push(first)
    }
  }
}

/** As Hadoop's own client (SaslDataTransferClient.send): a privileged port is a proof of its own. Null: no login. */
function loginFor(
  { token }: LocatedBlock,
  port: number,
  { isSecure, protections }: WriteOptions,
  key: MessageOf<typeof getDataEncryptionKeyResponse>['key'],
): TransferLogin | null {
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')
  if (key !== undefined)
    return {
      username: `${key.keyId} ${key.blockPoolId} ${base64(key.nonce)}`,
      password: base64(key.encryptionKey),
      protections: ['privacy'],
    }
  if (!isSecure || port < 1024 || protections.length === 0) return null
  return { username: base64(token.identifier), password: base64(token.password), protections }
}
