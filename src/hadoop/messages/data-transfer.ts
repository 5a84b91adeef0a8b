import { message, optional, repeated, required } from '../wire/message.ts'
import {
  bool,
  bytes,
  enumeration,
  exactInt64,
  int32,
  int64,
  sfixed32,
  sfixed64,
  sint,
  string,
} from '../wire/types.ts'
import { checksumType, dataNode, extendedBlock, storageType } from './hdfs-common.ts'
import { token } from './security.ts'

// The transfer of blocks to a DataNode (datatransfer.proto, hadoop-hdfs-client 3.4.3; DataTransferProtocol, version 28):
//
//     login     := 0xdeadbeef (uint32), then delimited DataTransferEncryptorMessages to and fro (see hdfs/transfer-login.ts)
//     operation := version 28 (uint16), code 80 for writing (byte), delimited OpWriteBlock
//     answer    := delimited BlockOpResponse
//     packet    := uint32 length of all but the header (4 + checksums + data), uint16 length of the header, PacketHeader, checksums, data
//     ack       := delimited PipelineAck
//
// A checksum of 4 bytes goes with each chunk of `bytesPerChecksum`. The last packet of a block is empty.

export const transferVersion = 28
export const writeBlockCode = 80

export const transferSasl = message({
  status: required(1, enumeration({ SUCCESS: 0, ERROR_UNKNOWN_KEY: 1, ERROR: 2 })),
  payload: optional(2, bytes),
  message: optional(3, string),
})

export const opWriteBlock = message({
  header: required(
    1,
    message({
      baseHeader: required(
        1,
        message({ block: required(1, extendedBlock), token: optional(2, token) }),
      ),
      clientName: required(2, string),
    }),
  ),
  targets: repeated(2, dataNode),
  stage: required(4, enumeration({ PIPELINE_SETUP_CREATE: 6 })),
  pipelineSize: required(5, int32),
  minBytesReceived: required(6, int64),
  maxBytesReceived: required(7, int64),
  latestGenerationStamp: required(8, exactInt64),
  checksum: required(
    9,
    message({ type: required(1, checksumType), bytesPerChecksum: required(2, int32) }),
  ),
  storageType: optional(11, storageType),
  targetStorageTypes: repeated(12, storageType),
  storageId: optional(16, string),
  targetStorageIds: repeated(17, string),
})

const status = enumeration({
  SUCCESS: 0,
  ERROR: 1,
  ERROR_CHECKSUM: 2,
  ERROR_INVALID: 3,
  ERROR_EXISTS: 4,
  ERROR_ACCESS_TOKEN: 5,
  CHECKSUM_OK: 6,
  ERROR_UNSUPPORTED: 7,
  OOB_RESTART: 8,
  OOB_RESERVED1: 9,
  OOB_RESERVED2: 10,
  OOB_RESERVED3: 11,
  IN_PROGRESS: 12,
  ERROR_BLOCK_PINNED: 13,
})

export const blockOpResponse = message({
  status: required(1, status),
  firstBadLink: optional(2, string),
  message: optional(5, string),
})

export const packetHeader = message({
  offsetInBlock: required(1, sfixed64),
  sequence: required(2, sfixed64),
  isLast: required(3, bool),
  dataLength: required(4, sfixed32),
  syncBlock: optional(5, bool),
})

/** One status a DataNode of the pipeline, in its order. */
export const pipelineAck = message({ sequence: required(1, sint), replies: repeated(2, status) })
