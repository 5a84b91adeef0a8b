import { statfsSync } from 'node:fs'

// f_type of statfs(2): linux/magic.h, and for lustre, gpfs and beegfs their own sources.
const networkFileSystems: ReadonlyMap<number, string> = new Map([
  [0x6969, 'nfs'],
  [0xff534d42, 'cifs'],
  [0xfe534d42, 'smb2'],
  [0x517b, 'smb'],
  [0x0bd00bd0, 'lustre'],
  [0x47504653, 'gpfs'],
  [0x19830326, 'beegfs'],
  [0x65735546, 'fuse'],
  [0x00c36400, 'ceph'],
  [0x5346414f, 'afs'],
  [0x6b414653, 'afs'],
  [0x73757245, 'coda'],
  [0x01021997, '9p'],
  [0x20030528, 'pvfs2'],
  [0xaad7aaea, 'panfs'],
  [0x7461636f, 'ocfs2'],
  [0x01161970, 'gfs2'],
])

/**
 * The kind of file system when it is one on which several hosts (or a user's program) stand behind a file; null: local.
 * There neither SQLite's locks nor the shared memory of its write-ahead log hold: https://sqlite.org/wal.html, section 1.
 */
export function networkFileSystemOf(directory: string): string | null {
  return networkFileSystemName(statfsSync(directory).type)
}

/** The type is a signed 32-bit number on some machines. */
export function networkFileSystemName(type: number): string | null {
  return networkFileSystems.get(type >>> 0) ?? null
}
