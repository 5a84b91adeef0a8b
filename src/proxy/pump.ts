import type { Socket } from 'node:net'

/** A pair of sockets whose bytes are being moved. */
export interface Pumped {
  /** Resolves when both are closed; never rejects. */
  readonly done: Promise<void>
  /** Ends it now; the other side of `a` is told by an ordinary end. */
  readonly cut: () => void
}

/**
 * Moves bytes both ways until both sides have closed, and passes on what a side does: an end as an end (the other way stays
 * open), a reset as a reset. A slow reader slows the other's sender. Needs sockets made with `allowHalfOpen`, both
 * paused. `splice-mover.ts` does the same where the kernel can move them.
 */
export function pump(a: Socket, b: Socket): Pumped {
  const { promise, resolve } = Promise.withResolvers<void>()
  let left = 2
  const closes = (one: Socket, other: Socket) => {
    const closed = () => {
      if (!one.readableEnded || !one.writableFinished) breakOff(other)
      if (--left === 0) resolve()
    }
    if (one.destroyed) closed()
    else one.once('close', closed)
  }
  closes(a, b)
  closes(b, a)
  a.pipe(b)
  b.pipe(a)
  return { done: promise, cut: () => void a.destroy() }
}

function breakOff(socket: Socket): void {
  if (socket.destroyed) return
  // Only TCP has a reset; Node throws for other kinds.
  if (socket.remotePort === undefined) socket.destroy()
  else socket.resetAndDestroy()
}
