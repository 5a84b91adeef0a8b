import { message, optional, repeated, required } from '../wire/message.ts'
import { bool, bytes, enumeration, exactInt64, int32, int64, string } from '../wire/types.ts'
import { token } from './security.ts'

// hdfs.proto, hadoop-hdfs-client 3.4.3: the nouns that several calls share.

/** Numbers are `uint64` with all bits in use. */
export const extendedBlock = message({
  poolId: required(1, string),
  blockId: required(2, exactInt64),
  generationStamp: required(3, exactInt64),
  numBytes: optional(4, int64),
})

export const dataNodeId = message({
  ipAddress: required(1, string),
  hostName: required(2, string),
  uuid: required(3, string),
  transferPort: required(4, int32),
  infoPort: required(5, int32),
  ipcPort: required(6, int32),
  infoSecurePort: optional(7, int32),
})

export const dataNode = message({
  id: required(1, dataNodeId),
  capacity: optional(2, int64),
  dfsUsed: optional(3, int64),
  remaining: optional(4, int64),
  blockPoolUsed: optional(5, int64),
  lastUpdate: optional(6, int64),
  transferCount: optional(7, int32),
  location: optional(8, string),
})

export const storageType = enumeration({
  DISK: 1,
  SSD: 2,
  ARCHIVE: 3,
  RAM_DISK: 4,
  PROVIDED: 5,
  NVDIMM: 6,
})

/** A block, the DataNodes that have it or are to have it, and the token that they ask for. */
export const locatedBlock = message({
  block: required(1, extendedBlock),
  offset: required(2, int64),
  locations: repeated(3, dataNode),
  corrupt: required(4, bool),
  token: required(5, token),
  storageTypes: repeated(7, storageType),
  storageIds: repeated(8, string),
})

export const permission = message({ mode: required(1, int32) })

/** Times in ms, `mode` as in chmod, `path` empty or a name alone. */
export const fileStatus = message({
  fileType: required(1, enumeration({ IS_DIR: 1, IS_FILE: 2, IS_SYMLINK: 3 })),
  path: required(2, bytes),
  length: required(3, int64),
  permission: required(4, permission),
  owner: required(5, string),
  group: required(6, string),
  modificationTime: required(7, int64),
  accessTime: required(8, int64),
  symlink: optional(9, bytes),
  replication: optional(10, int32),
  blockSize: optional(11, int64),
  fileId: optional(13, int64),
  /** Where the directory is an encryption zone, or the file in one. */
  encryption: optional(15, message({ keyName: required(5, string) })),
})

export const checksumType = enumeration({ NULL: 0, CRC32: 1, CRC32C: 2 })
