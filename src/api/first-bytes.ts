import type { Socket } from 'node:net'

export type Verdict<T> =
  | { readonly state: 'more' }
  | { readonly state: 'refused' }
  /** `rest` goes back to the socket, to be read by whoever takes it next. */
  | { readonly state: 'known'; readonly what: T; readonly rest: Buffer }

// A PROXY header may say up to 64 KiB; nobody sends more before it is known what they are.
const maxBytes = 70_000
const limitMs = 10_000

/**
 * Reads a connection's first bytes until `judge` knows what it is, then gives it on, paused, with what is left of them. One
 * that says nothing, or nothing known, within ten seconds is closed.
 */
export function readFirstBytes<T>(
  socket: Socket,
  judge: (bytes: Buffer) => Verdict<T>,
  take: (what: T) => void,
): void {
  let bytes: Buffer = Buffer.alloc(0)
  const giveUp = (): void => {
    socket.destroy()
  }
  const timer = setTimeout(giveUp, limitMs)
  socket.on('data', onData)
  socket.once('end', giveUp)
  socket.once('close', stopReading)

  function stopReading(): void {
    clearTimeout(timer)
    socket.off('data', onData)
    socket.off('end', giveUp)
    socket.off('close', stopReading)
  }

  function onData(chunk: Buffer): void {
    bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk])
    const verdict = judge(bytes)
    if (verdict.state === 'more' && bytes.length < maxBytes) return
    stopReading()
    if (verdict.state !== 'known') {
      giveUp()
      return
    }
    socket.pause()
    if (verdict.rest.length > 0) socket.unshift(verdict.rest)
    take(verdict.what)
  }
}
