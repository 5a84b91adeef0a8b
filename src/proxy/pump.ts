import type { Socket } from 'node:net'

/**
 * Moves bytes both ways until both sides have closed, and passes on what a side does: an end as an end (the other way stays
 * open), a reset as a reset. A slow reader slows the other's sender. Needs sockets made with `allowHalfOpen`, both
 * paused. It is one function so that another mover (splice) can take its place.
 */
export function pump(a: Socket, b: Socket): Promise<void> {
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
  return promise
}

function breakOff(socket: Socket): void {
  if (socket.destroyed) return
  // Only TCP has a reset; Node throws for other kinds.
  if (socket.remotePort === undefined) socket.destroy()
  else socket.resetAndDestroy()
}
