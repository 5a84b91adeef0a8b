import { message, optional, repeated, required } from '../wire/message.ts'
import { bool, enumeration, int32, int64, string } from '../wire/types.ts'
import {
  checksumType,
  dataNode,
  extendedBlock,
  fileStatus,
  locatedBlock,
  permission,
} from './hdfs-common.ts'

// ClientNamenodeProtocol.proto: the calls of the NameNode.
//
//     getFileInfo → the status, or nothing          mkdirs, setPermission, rename2, delete
//     create → addBlock → (write the block) → addBlock, with the block before it → … → complete, until it says true
//
// While a file is written its writer holds a lease, to be renewed within a minute.

export const getFileInfoRequest = message({ src: required(1, string) })
export const getFileInfoResponse = message({ status: optional(1, fileStatus) })

export const mkdirsRequest = message({
  src: required(1, string),
  permission: required(2, permission),
  createParent: required(3, bool),
})
export const resultResponse = message({ result: required(1, bool) })

export const setPermissionRequest = message({
  src: required(1, string),
  permission: required(2, permission),
})

export const deleteRequest = message({ src: required(1, string), recursive: required(2, bool) })

export const rename2Request = message({
  src: required(1, string),
  destination: required(2, string),
  overwrite: required(3, bool),
})

export const getServerDefaultsResponse = message({
  defaults: required(
    1,
    message({
      blockSize: required(1, int64),
      bytesPerChecksum: required(2, int32),
      writePacketSize: required(3, int32),
      replication: required(4, int32),
      fileBufferSize: required(5, int32),
      encryptDataTransfer: optional(6, bool),
      checksumType: optional(8, checksumType),
    }),
  ),
})

export const createFlags = { create: 1, overwrite: 2 } as const

export const createRequest = message({
  src: required(1, string),
  permission: required(2, permission),
  clientName: required(3, string),
  /** The sum of `createFlags`. */
  flags: required(4, int32),
  createParent: required(5, bool),
  replication: required(6, int32),
  blockSize: required(7, int64),
  cryptoVersions: repeated(8, enumeration({ UNKNOWN: 1, ENCRYPTION_ZONES: 2 })),
})
export const createResponse = message({ status: optional(1, fileStatus) })

export const addBlockRequest = message({
  src: required(1, string),
  clientName: required(2, string),
  previous: optional(3, extendedBlock),
  excluded: repeated(4, dataNode),
  fileId: optional(5, int64),
})
export const addBlockResponse = message({ block: required(1, locatedBlock) })

export const abandonBlockRequest = message({
  block: required(1, extendedBlock),
  src: required(2, string),
  holder: required(3, string),
  fileId: optional(4, int64),
})

export const completeRequest = message({
  src: required(1, string),
  clientName: required(2, string),
  last: optional(3, extendedBlock),
  fileId: optional(4, int64),
})

export const renewLeaseRequest = message({ clientName: required(1, string) })
