import type { createLogger } from '../util/index.ts'

/** What the parts of the proxy write to. */
export type Log = Pick<ReturnType<typeof createLogger>, 'debug' | 'info' | 'warn' | 'error'>

/**
 * For what may happen thousands of times a second (a port scan, no descriptors left): each message at most once in `periodMs`,
 * with the number of times it was left out.
 */
export function boundedWarnings(log: Log, periodMs = 10_000) {
  const written = new Map<string, { atMs: number; leftOut: number }>()
  return (message: string, fields: { readonly [key: string]: unknown } = {}): void => {
    const last = written.get(message)
    const nowMs = performance.now()
    if (last !== undefined && nowMs - last.atMs < periodMs) {
      last.leftOut++
      return
    }
    log.warn(message, last?.leftOut ? { ...fields, leftOut: last.leftOut } : fields)
    written.set(message, { atMs: nowMs, leftOut: 0 })
  }
}
