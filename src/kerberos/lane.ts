/** Runs jobs, at most some at a time, in the order in which they came. */
export interface Lane {
  run<T>(job: () => Promise<T>): Promise<T>
}

export function createLane(width: number): Lane {
  const waiting: (() => void)[] = []
  let running = 0

  return {
    async run(job) {
      if (running < width) running += 1
      else await new Promise<void>((go) => waiting.push(go))
      try {
        return await job()
      } finally {
        // The place is handed over, so that nobody who comes meanwhile is before who waits.
        const next = waiting.shift()
        if (next === undefined) running -= 1
        else next()
      }
    },
  }
}

/**
 * Threads of libuv's pool (four, by default, for all of the process: files and look-ups of names, too) that the library may
 * hold. A call cannot be taken back, so a KDC that hangs has these two until the library gives up by itself; what needs
 * no KDC goes by the other lane.
 */
export const kdcLane = createLane(2)
export const localLane = createLane(1)
