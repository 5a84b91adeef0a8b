import { crc32 } from 'node:zlib'
import { HadoopError } from '../errors.ts'
import {
  blockOpResponse,
  opWriteBlock,
  packetHeader,
  pipelineAck,
  transferVersion,
  writeBlockCode,
} from '../messages/data-transfer.ts'
import type { locatedBlock } from '../messages/hdfs-common.ts'
import { delimited } from '../wire/delimited.ts'
import type { MessageOf } from '../wire/message.ts'
import type { ByteSource } from './byte-source.ts'
import type { Transfer } from './transfer.ts'

export type LocatedBlock = MessageOf<typeof locatedBlock>

/** Sent and not confirmed yet, as Hadoop's own client. */
const maximumUnconfirmed = 80
const chunksInPacket = 126

/** Asks the first DataNode of a block to take it and to pass it on to the others. */
export async function beginBlock(
  transfer: Transfer,
  { block, token, locations = [], storageTypes = [], storageIds = [] }: LocatedBlock,
  options: { readonly clientName: string; readonly bytesPerChecksum: number },
): Promise<void> {
  const operation = opWriteBlock.encode({
    header: { baseHeader: { block, token }, clientName: options.clientName },
    targets: locations.slice(1),
    stage: 'PIPELINE_SETUP_CREATE',
    pipelineSize: locations.length,
    minBytesReceived: 0,
    maxBytesReceived: 0,
    latestGenerationStamp: 0n,
    checksum: { type: 'CRC32', bytesPerChecksum: options.bytesPerChecksum },
    storageType: storageTypes[0],
    targetStorageTypes: storageTypes.slice(1),
    storageId: storageIds[0],
    targetStorageIds: storageIds.slice(1),
  })
  const head = Buffer.from([transferVersion >> 8, transferVersion & 255, writeBlockCode])
  await transfer.send(Buffer.concat([head, delimited(operation)]))
  const { status, message, firstBadLink } = await transfer.receive(blockOpResponse)
  if (status !== 'SUCCESS')
    throw new HadoopError(
      'remote',
      `a DataNode takes no block: ${message || status}${firstBadLink ? ` (${firstBadLink})` : ''}`,
    )
}

/** Sends what the source has, as far as the block goes. Done when all DataNodes have confirmed all; how many bytes there are. */
export async function writeBlock(
  transfer: Transfer,
  source: ByteSource,
  options: { readonly blockSize: number; readonly bytesPerChecksum: number },
): Promise<number> {
  const { blockSize, bytesPerChecksum } = options
  const packetBytes = chunksInPacket * bytesPerChecksum
  let offset = 0
  let sent = 0
  let confirmed = 0
  const confirmOne = async () => {
    const { sequence, replies = [] } = await transfer.receive(pipelineAck)
    const bad = replies.find((reply) => reply !== 'SUCCESS' && reply !== 'IN_PROGRESS')
    if (bad !== undefined)
      throw new HadoopError('remote', `a DataNode could not write the block: ${bad}`)
    // -1: only a sign of life.
    if (sequence === -1) return
    if (sequence !== confirmed)
      throw new HadoopError('protocol', 'a DataNode confirms packets out of order')
    confirmed += 1
  }
  for (;;) {
    const data = await source.take(Math.min(packetBytes, blockSize - offset))
    await transfer.send(packet(data, { offset, sequence: sent, bytesPerChecksum }))
    sent += 1
    if (data.length === 0) break
    offset += data.length
    while (sent - confirmed >= maximumUnconfirmed) await confirmOne()
  }
  while (confirmed < sent) await confirmOne()
  return offset
}

/** The empty one is the last of its block. */
function packet(
  data: Buffer,
  at: { readonly offset: number; readonly sequence: number; readonly bytesPerChecksum: number },
): Buffer {
  const header = packetHeader.encode({
    offsetInBlock: at.offset,
    sequence: at.sequence,
    isLast: data.length === 0,
    dataLength: data.length,
  })
  const chunks = Math.ceil(data.length / at.bytesPerChecksum)
  const head = Buffer.alloc(6 + header.length + 4 * chunks)
  head.writeUInt32BE(4 + 4 * chunks + data.length, 0)
  head.writeUInt16BE(header.length, 4)
  header.copy(head, 6)
  for (let index = 0; index < chunks; index += 1) {
    const from = index * at.bytesPerChecksum
    const sum = crc32(data.subarray(from, from + at.bytesPerChecksum))
    head.writeUInt32BE(sum, 6 + header.length + 4 * index)
  }
  return Buffer.concat([head, data])
}
