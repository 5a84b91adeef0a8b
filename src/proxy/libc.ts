// The few calls of the C library that move bytes between sockets inside the kernel; flags and numbers are Linux's, the same on
// x86-64 and arm64 (asm-generic) but for the packing of `struct epoll_event`.

export const again = 11
export const interrupted = 4

/** Each returns what the C function does: -1 is a failure, told by `errno`. */
export interface Libc {
  errno(): number
  dup(fd: number): number
  close(fd: number): number
  /** SHUT_WR. */
  shutdownWriting(fd: number): number
  /** SO_LINGER of 0 seconds: the next close is a reset. */
  lingerNot(fd: number): number
  eventfd(): number
  /** Wakes who waits for an eventfd. */
  signal(eventfd: number): number
  drain(eventfd: number): number
  epollCreate(): number
  /** Edge-triggered, for reading and writing. `token` comes back with each event. */
  epollAdd(epoll: number, fd: number, token: number): number
  /** The tokens of what has happened, as they are in `into`; how many there are. */
  epollWait(epoll: number, into: EpollEvents, timeoutMs: number): number
  /** Read end and write end, never blocking; null: it cannot be had. */
  pipe(bytes: number): readonly [number, number] | null
  splice(from: number, to: number, length: number): number
}

/** Room for the answer of `epollWait`. */
export interface EpollEvents {
  readonly buffer: Buffer
  flags(at: number): number
  token(at: number): number
}

export const readable = 0x001 | 0x2000 | 0x010 | 0x008
export const writable = 0x004 | 0x010 | 0x008
// EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET; errors and hang-ups (0x008, 0x010) always come.
const interests = 0x80002005

const isPacked = process.arch === 'x64'
const eventBytes = isPacked ? 12 : 16
const tokenOffset = isPacked ? 4 : 8

/** Rejects where the library koffi is not installed or the C library is another. */
export async function openLibc(): Promise<Libc> {
  const { default: koffi } = await import('koffi')
  const library = koffi.load('libc.so.6')
  const dup = library.func('int dup(int)')
  const close = library.func('int close(int)')
  const shutdown = library.func('int shutdown(int, int)')
  const setsockopt = library.func('int setsockopt(int, int, int, void *, uint32_t)')
  const eventfd = library.func('int eventfd(unsigned int, int)')
  const read = library.func('long read(int, void *, size_t)')
  const write = library.func('long write(int, void *, size_t)')
  const epollCreate = library.func('int epoll_create1(int)')
  const epollCtl = library.func('int epoll_ctl(int, int, int, void *)')
  const epollWait = library.func('int epoll_wait(int, void *, int, int)')
  const pipe2 = library.func('int pipe2(void *, int)')
  const fcntl = library.func('int fcntl(int, int, ...)')
  const splice = library.func('long splice(int, void *, int, void *, size_t, unsigned int)')

  const one = Buffer.from(new BigUint64Array([1n]).buffer)
  const counter = Buffer.alloc(8)
  const linger = Buffer.from(new Int32Array([1, 0]).buffer)
  const event = Buffer.alloc(16)
  const ends = Buffer.alloc(8)
  return {
    errno: () => koffi.errno(),
    dup: (fd) => dup(fd),
    close: (fd) => close(fd),
    shutdownWriting: (fd) => shutdown(fd, 1),
    lingerNot: (fd) => setsockopt(fd, 1, 13, linger, linger.length),
    // EFD_NONBLOCK | EFD_CLOEXEC
    eventfd: () => eventfd(0, 0o2004000),
    signal: (fd) => write(fd, one, one.length),
    drain: (fd) => read(fd, counter, counter.length),
    epollCreate: () => epollCreate(0o2000000),
    epollAdd(epoll, fd, token) {
      event.writeUInt32LE(interests, 0)
      event.writeUInt32LE(token, tokenOffset)
      return epollCtl(epoll, 1, fd, event)
    },
    epollWait: (epoll, into, timeoutMs) =>
      epollWait(epoll, into.buffer, into.buffer.length / eventBytes, timeoutMs),
    pipe(bytes) {
      // O_NONBLOCK | O_CLOEXEC
      if (pipe2(ends, 0o2004000) !== 0) return null
      const made = [ends.readInt32LE(0), ends.readInt32LE(4)] as const
      // F_SETPIPE_SZ; refused beyond the user's share of memory for pipes, and then it is smaller.
      fcntl(made[1], 1031, 'int', bytes)
      return made
    },
    // SPLICE_F_MOVE | SPLICE_F_NONBLOCK
    splice: (from, to, length) => splice(from, null, to, null, length, 3),
  }
}

export function epollEvents(count: number): EpollEvents {
  const buffer = Buffer.alloc(count * eventBytes)
  return {
    buffer,
    flags: (at) => buffer.readUInt32LE(at * eventBytes),
    token: (at) => buffer.readUInt32LE(at * eventBytes + tokenOffset),
  }
}
