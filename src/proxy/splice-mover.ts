import type { Socket } from 'node:net'
import { Worker } from 'node:worker_threads'
import { messageOf } from '../core/index.ts'
import { programFile } from '../util/index.ts'
import { type Libc, openLibc } from './libc.ts'
import type { Log } from './log.ts'
import { type Pumped, pump } from './pump.ts'
import type { FromWorker, ToWorker } from './splice-worker.ts'

/** Moves bytes between pairs of sockets as `pump` does, but in a thread of its own and without copying them. */
export interface Mover {
  /** As `pump`; where the kernel's way cannot be had, it is `pump`. */
  readonly pump: (a: Socket, b: Socket) => Pumped
  readonly stop: () => void
}

/**
 * Nothing runs before the first pair. `maxPairs`: each may hold two sockets and, with readers that sleep, two pipes, so
 * that six descriptors are to be had for it; the others are moved by `pump`.
 */
export function createMover(options: { readonly maxPairs: number; readonly log: Log }): Mover {
  const { maxPairs, log } = options
  let thread: Promise<Thread | null> | null = null
  let isStopped = false
  let taken = 0

  const start = async (): Promise<Thread | null> => {
    try {
      return await startThread(log)
    } catch (error) {
      log.info('Bytes are moved by Node, not by the kernel', { reason: messageOf(error) })
      return null
    }
  }

  return {
    pump(a, b) {
      if (taken >= maxPairs || isStopped) return pump(a, b)
      taken += 1
      thread ??= start()
      const moving = move(a, b, thread)
      const done = moving.done.finally(() => {
        taken -= 1
      })
      return { done, cut: moving.cut }
    },
    stop() {
      isStopped = true
      void thread?.then((started) => started?.stop())
    },
  }
}

function move(a: Socket, b: Socket, starting: Promise<Thread | null>): Pumped {
  let cut = () => {
    a.destroy()
    b.destroy()
  }
  const run = async () => {
    const thread = await starting
    const moved = (await handOver(a, b, thread)) ?? pump(a, b)
    cut = moved.cut
    await moved.done
  }
  return { done: run(), cut: () => cut() }
}

/** Gives the sockets to the thread, with all that was read of them written; null: they stay where they are. */
async function handOver(a: Socket, b: Socket, thread: Thread | null): Promise<Pumped | null> {
  if (thread === null || !thread.isAlive()) return null
  const handles = [handleOf(a), handleOf(b)] as const
  if (handles[0] === null || handles[1] === null) return null
  for (const handle of [handles[0], handles[1]]) handle.readStop()
  await Promise.all([written(b, a.read()), written(a, b.read())])
  if (a.destroyed || b.destroyed || !thread.isAlive()) return null
  const moved = thread.move([handles[0].fd, handles[1].fd])
  if (moved === null) return null
  // Only their copies live on: closing these says nothing to the peers.
  a.destroy()
  b.destroy()
  return moved
}

/** What Node keeps of a socket; not documented, so looked at before it is used. */
interface Handle {
  readonly fd: number
  readStop(): void
}

function handleOf(socket: Socket): Handle | null {
  const handle = (socket as unknown as { readonly _handle?: Partial<Handle> | null })._handle
  return typeof handle?.fd === 'number' && handle.fd >= 0 && typeof handle.readStop === 'function'
    ? (handle as Handle)
    : null
}

/** Resolves when the socket has given this, and all before it, to the kernel, or is closed. */
function written(socket: Socket, bytes: Buffer | null): Promise<void> {
  if (socket.destroyed || (bytes === null && socket.writableLength === 0)) return Promise.resolve()
  return new Promise((resolve) => {
    socket.once('close', resolve)
    socket.write(bytes ?? Buffer.alloc(0), () => {
      socket.off('close', resolve)
      resolve()
    })
  })
}

interface Thread {
  isAlive(): boolean
  /** null: there are no descriptors for the copies. */
  move(fds: readonly [number, number]): Pumped | null
  stop(): void
}

async function startThread(log: Log): Promise<Thread> {
  const libc = await openLibc()
  const eventfd = libc.eventfd()
  if (eventfd < 0) throw new Error(`eventfd failed (errno ${libc.errno()})`)
  const worker = new Worker(programFile('proxy/splice-worker'), { workerData: eventfd })
  worker.unref()
  const moving = new Map<number, { readonly fds: readonly number[]; readonly over: () => void }>()
  let isAlive = true
  let lastId = 0
  const send = (message: ToWorker) => {
    worker.postMessage(message)
    libc.signal(eventfd)
  }
  const { promise: ready, resolve, reject } = Promise.withResolvers<void>()
  worker.on('message', (message: FromWorker) => {
    if (message.is === 'ready') return resolve()
    moving.get(message.id)?.over()
    moving.delete(message.id)
  })
  worker.on('error', (error) => {
    log.error('The thread that moves bytes failed; its connections are cut', { error })
    reject(error)
  })
  worker.on('exit', () => {
    isAlive = false
    reject(new Error('the thread ended'))
    libc.close(eventfd)
    // What it has said before, that something is over, has been heard by now.
    for (const { fds, over } of moving.values()) {
      for (const fd of fds) libc.close(fd)
      over()
    }
    moving.clear()
  })
  await ready
  return {
    isAlive: () => isAlive,
    move(fds) {
      const copies = copy(libc, fds)
      if (copies === null) return null
      // A token of epoll has 32 bits, one of them for the side.
      lastId = (lastId + 1) % 0x7fffffff
      while (moving.has(lastId)) lastId = (lastId + 1) % 0x7fffffff
      const id = lastId
      const { promise: done, resolve: over } = Promise.withResolvers<void>()
      moving.set(id, { fds: copies, over })
      send({ do: 'move', id, fds: copies })
      return {
        done,
        cut: () => {
          if (isAlive) send({ do: 'cut', id })
        },
      }
    },
    stop: () => {
      if (isAlive) send({ do: 'stop' })
    },
  }
}

function copy(libc: Libc, [a, b]: readonly [number, number]): readonly [number, number] | null {
  const first = libc.dup(a)
  if (first < 0) return null
  const second = libc.dup(b)
  if (second >= 0) return [first, second]
  libc.close(first)
  return null
}
