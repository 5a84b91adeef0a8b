import type { Socket } from 'node:net'

/**
 * Connections to the gateway, also while it is away: then they wait, at most `waitMs` and at most `maxWaiting`
 * of them. One at a time tries again, every `retryMs`; when it gets through, all do.
 */
export function createGatewayDoor(options: {
  readonly connect: (limitMs: number) => Promise<Socket>
  readonly connectMs: number
  readonly waitMs: number
  readonly maxWaiting: number
  readonly retryMs: number
}) {
  const waiting = new Set<() => void>()
  let timer: NodeJS.Timeout | null = null
  let stopped = false

  const wake = (count: number) => {
    for (const go of [...waiting].slice(0, count)) go()
  }
  const turn = (limitMs: number) =>
    new Promise<void>((resolve) => {
      const go = () => {
        clearTimeout(limit)
        waiting.delete(go)
        if (waiting.size === 0 && timer !== null) {
          clearInterval(timer)
          timer = null
        }
        resolve()
      }
      const limit = setTimeout(go, limitMs)
      waiting.add(go)
      timer ??= setInterval(() => wake(1), options.retryMs)
    })

  return {
    /** null: the gateway did not come back in time, or too many wait already. */
    async open(): Promise<Socket | null> {
      const endsAtMs = performance.now() + options.waitMs
      let isFirst = true
      for (;;) {
        if (!isFirst || waiting.size > 0) {
          if (waiting.size >= options.maxWaiting) return null
          await turn(Math.max(0, endsAtMs - performance.now()))
        }
        const leftMs = endsAtMs - performance.now()
        if (leftMs <= 0 || stopped) return null
        isFirst = false
        try {
          const socket = await options.connect(Math.min(leftMs, options.connectMs))
          wake(waiting.size)
          return socket
        } catch {
          // Away, or out of descriptors: the next turn tries again.
        }
      }
    },
    /** Those who wait are told at once that it is in vain. */
    stop(): void {
      stopped = true
      wake(waiting.size)
    },
  }
}
