import { readFileSync } from 'node:fs'

/**
 * Whether the gateway at this URL answers and is a process of this user: on a port that somebody else holds ours will end
 * with its own words, and the lines to paste would hand our password to a stranger.
 */
export async function isReady(url: string, uid: number): Promise<boolean> {
  if (!listenersOf(Number(new URL(url).port || 80)).includes(uid)) return false
  try {
    const reply = await fetch(`${url}/api/health`, { signal: AbortSignal.timeout(5_000) })
    await reply.body?.cancel()
    return reply.ok
  } catch {
    return false
  }
}

/** The users whose processes listen on a TCP port: proc(5), /proc/net/tcp. Columns: slot, local address, remote address, state (0A: listening), queues, timer, retransmits, uid. */
function listenersOf(port: number): readonly number[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([, local, , state]) => local?.endsWith(suffix) && state === '0A')
      .map((columns) => Number(columns[7])),
  )
}
