import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { again, epollEvents, interrupted, type Libc, openLibc, readable, writable } from './libc.ts'

/*
 * A thread that moves bytes between pairs of sockets without their ever leaving the kernel: socket → pipe → socket, by
 * splice(2). It waits in epoll_wait(2) alone, so nothing here may be asynchronous.
 *
 * A pipe belongs to a direction only while bytes are in it; an idle tunnel has none.
 */

/** From `splice-mover.ts`; each is followed by a signal on the eventfd. */
export type ToWorker =
  /** Two connected sockets that are the worker's from now on. */
  | { readonly do: 'move'; readonly id: number; readonly fds: readonly [number, number] }
  /** Close both. */
  | { readonly do: 'cut'; readonly id: number }
  | { readonly do: 'stop' }

export type FromWorker =
  | { readonly is: 'ready' }
  /** Its sockets are closed. */
  | { readonly is: 'over'; readonly id: number }

interface Direction {
  readonly pair: Pair
  readonly from: number
  readonly to: number
  pipe: readonly [number, number] | null
  buffered: number
  ended: boolean
}

interface Pair {
  readonly id: number
  readonly fds: readonly [number, number]
  readonly directions: readonly [Direction, Direction]
  over: boolean
}

const pipeBytes = 1 << 20
/** What a direction may move before the others have their turn. */
const turnBytes = 8 << 20
const sparePipes = 8
// Node ends a thread only between calls: its process would wait this long at most.
const longestWaitMs = 1000

const port = parentPort
if (port === null) throw new Error('splice-worker.ts runs as a thread only')
const tell = (message: FromWorker) => port.postMessage(message)
void openLibc().then((libc) => run(libc, Number(workerData)))

function run(libc: Libc, eventfd: number): void {
  const epoll = libc.epollCreate()
  const events = epollEvents(256)
  const pairs = new Map<number, Pair>()
  const pipes: (readonly [number, number])[] = []
  const ready = new Set<Direction>()
  const wakeToken = 0xffffffff
  let isStopping = false
  if (epoll < 0 || libc.epollAdd(epoll, eventfd, wakeToken) !== 0)
    throw new Error('epoll cannot be had')
  tell({ is: 'ready' })

  while (!isStopping) {
    const count = libc.epollWait(epoll, events, ready.size > 0 ? 0 : longestWaitMs)
    for (let at = 0; at < count; at += 1) {
      const token = events.token(at)
      if (token === wakeToken) takeMessages()
      else note(token, events.flags(at))
    }
    const turn = [...ready]
    ready.clear()
    for (const direction of turn) if (!direction.pair.over) move(direction)
  }
  for (const pair of pairs.values()) end(pair, false)
  for (const pipe of pipes) closePipe(pipe)
  libc.close(epoll)

  function takeMessages(): void {
    libc.drain(eventfd)
    if (port === null) return
    for (;;) {
      const received = receiveMessageOnPort(port) as { readonly message: ToWorker } | undefined
      if (received === undefined) return
      const { message } = received
      if (message.do === 'move') begin(message.id, message.fds)
      else if (message.do === 'stop') isStopping = true
      else {
        const pair = pairs.get(message.id)
        if (pair !== undefined) end(pair, false)
      }
    }
  }

  function begin(id: number, fds: readonly [number, number]): void {
    const [a, b] = fds
    const direction = (from: number, to: number) =>
      ({ from, to, pipe: null, buffered: 0, ended: false }) as Omit<Direction, 'pair'>
    const directions = [direction(a, b), direction(b, a)] as [Direction, Direction]
    const pair: Pair = { id, fds, directions, over: false }
    for (const each of directions) Object.assign(each, { pair })
    pairs.set(id, pair)
    // The first event tells what is there already.
    if (libc.epollAdd(epoll, a, id * 2) !== 0 || libc.epollAdd(epoll, b, id * 2 + 1) !== 0)
      end(pair, true)
  }

  function note(token: number, flags: number): void {
    const pair = pairs.get(token >>> 1)
    if (pair === undefined) return
    const side = token & 1
    const outgoing = pair.directions[side === 0 ? 0 : 1]
    const incoming = pair.directions[side === 0 ? 1 : 0]
    if ((flags & readable) !== 0 && outgoing.buffered === 0 && !outgoing.ended) ready.add(outgoing)
    if ((flags & writable) !== 0 && incoming.buffered > 0) ready.add(incoming)
  }

  /** Moves until one side has no more or takes no more, or the turn is over. */
  function move(direction: Direction): void {
    let moved = 0
    while (moved < turnBytes) {
      const state = direction.buffered > 0 ? empty(direction) : fill(direction)
      if (state === 'waits') return
      if (state === 'failed' || state === 'ended') {
        if (state === 'ended') endDirection(direction)
        else end(direction.pair, true)
        return
      }
      moved += state
    }
    ready.add(direction)
  }

  function fill(direction: Direction): number | 'waits' | 'failed' | 'ended' {
    direction.pipe ??= pipes.pop() ?? libc.pipe(pipeBytes)
    if (direction.pipe === null) return 'failed'
    const count = libc.splice(direction.from, direction.pipe[1], pipeBytes)
    if (count > 0) {
      direction.buffered = count
      return 0
    }
    const errno = count < 0 ? libc.errno() : 0
    if (errno === interrupted) return 0
    release(direction)
    if (errno === again) return 'waits'
    return errno === 0 ? 'ended' : 'failed'
  }

  function empty(direction: Direction): number | 'waits' | 'failed' {
    const count = libc.splice(direction.pipe?.[0] ?? -1, direction.to, direction.buffered)
    if (count > 0) {
      direction.buffered -= count
      return count
    }
    const errno = libc.errno()
    if (errno === interrupted) return 0
    return errno === again ? 'waits' : 'failed'
  }

  function endDirection(direction: Direction): void {
    direction.ended = true
    const { pair } = direction
    if (pair.directions.every((each) => each.ended)) end(pair, false)
    else if (libc.shutdownWriting(direction.to) !== 0) end(pair, true)
  }

  function end(pair: Pair, isBroken: boolean): void {
    if (pair.over) return
    pair.over = true
    pairs.delete(pair.id)
    for (const direction of pair.directions) release(direction)
    for (const fd of pair.fds) {
      if (isBroken) libc.lingerNot(fd)
      libc.close(fd)
    }
    tell({ is: 'over', id: pair.id })
  }

  /** One with bytes in it is of no use to another. */
  function release(direction: Direction): void {
    const { pipe } = direction
    if (pipe === null) return
    direction.pipe = null
    if (direction.buffered === 0 && pipes.length < sparePipes) pipes.push(pipe)
    else closePipe(pipe)
    direction.buffered = 0
  }

  function closePipe(pipe: readonly [number, number]): void {
    for (const fd of pipe) libc.close(fd)
  }
}
