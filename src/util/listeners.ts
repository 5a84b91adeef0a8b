import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** Who listens on a TCP port of this machine, as proc(5) tells it. */
export interface Listener {
  readonly uid: number
  /** Every process that has the socket; none: they belong to another account, whose descriptors are not shown. */
  readonly pids: readonly number[]
}

/** What listens on this port, on any address. */
export function listenersOn(port: number): readonly Listener[] {
  return ['/proc/net/tcp', '/proc/net/tcp6']
    .flatMap((file) => listenersIn(readOrEmpty(file), port))
    .map(({ uid, inode }) => ({ uid, pids: pidsOf(inode) }))
}

const listenState = '0A'

/**
 * Reads /proc/net/tcp:
 *   sl local_address rem_address st tx:rx tr:tm retrnsmt uid timeout inode …
 *    0: 0100007F:1F40 00000000:0000 0A …                 1000 0       12345
 */
export function listenersIn(
  text: string,
  port: number,
): readonly { readonly uid: number; readonly inode: number }[] {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0')
  return text.split('\n').flatMap((line) => {
    const [, local = '', , state, , , , uid, , inode] = line.trim().split(/\s+/)
    if (state !== listenState || !local.endsWith(`:${wanted}`)) return []
    return [{ uid: Number(uid), inode: Number(inode) }]
  })
}

function pidsOf(inode: number): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => hasSocket(pid, inode))
}

function hasSocket(pid: number, inode: number): boolean {
  try {
    const folder = `/proc/${pid}/fd`
    return readdirSync(folder).some((name) => linkOf(`${folder}/${name}`) === `socket:[${inode}]`)
  } catch {
    return false // Another account's, or gone.
  }
}

function linkOf(path: string): string | null {
  try {
    return readlinkSync(path)
  } catch {
    return null
  }
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return '' // Without IPv6 there is no tcp6.
  }
}
