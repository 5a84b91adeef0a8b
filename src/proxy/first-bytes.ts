import type { Socket } from 'node:net'
import { readClientHello } from '../util/index.ts'

/** What a new connection is, by its first bytes. `head` is all that was read, to be passed on untouched. */
export type FirstBytes =
  | { readonly kind: 'tunnel'; readonly clusterName: string; readonly head: Buffer }
  | { readonly kind: 'other'; readonly head: Buffer }
  | { readonly kind: 'refused'; readonly reason: string }

type Verdict = FirstBytes | { readonly kind: 'unclear'; readonly atLeast: number }

const tlsHandshake = 0x16
const tunnelName = /^daskgateway-([a-z0-9_-]+)$/

/** Pure: what the bytes so far say. */
export function judge(bytes: Buffer): Verdict {
  if (bytes.length === 0) return { kind: 'unclear', atLeast: 1 }
  if (bytes[0] !== tlsHandshake) return { kind: 'other', head: bytes }
  const hello = readClientHello(bytes)
  switch (hello.state) {
    case 'need-more':
      return { kind: 'unclear', atLeast: hello.atLeast }
    case 'error':
      return { kind: 'refused', reason: hello.reason }
    case 'done': {
      const clusterName = tunnelName.exec(hello.serverName ?? '')?.[1]
      return clusterName === undefined
        ? { kind: 'other', head: bytes }
        : { kind: 'tunnel', clusterName, head: bytes }
    }
  }
}

/**
 * Reads as much as it takes to know, in at most `limitMs`, and leaves the socket paused. With `anything`, the first byte is
 * enough. null: it ended, or said too little in time.
 */
export function readFirstBytes(
  socket: Socket,
  limitMs: number,
  anything: boolean,
): Promise<FirstBytes | null> {
  const { promise, resolve } = Promise.withResolvers<FirstBytes | null>()
  const chunks: Buffer[] = []
  let length = 0
  let wanted = 1
  const settle = (result: FirstBytes | null) => {
    clearTimeout(timer)
    socket.off('data', more).off('end', gone).off('close', gone)
    socket.pause()
    resolve(result)
  }
  const gone = () => settle(null)
  const more = (chunk: Buffer) => {
    chunks.push(chunk)
    length += chunk.length
    if (length < wanted) return
    const bytes = Buffer.concat(chunks)
    const verdict = anything ? { kind: 'other' as const, head: bytes } : judge(bytes)
    if (verdict.kind === 'unclear') wanted = verdict.atLeast
    else settle(verdict)
  }
  const timer = setTimeout(gone, limitMs)
  socket.on('data', more).on('end', gone).on('close', gone)
  return promise
}
