import { hash } from 'node:crypto'

/** Counts failures by key and says when there were too many; forgets the oldest keys beyond a bound. */
export interface Throttle {
  /** Seconds until the next try is allowed; 0: now. */
  waitSeconds(key: string): number
  failed(key: string): void
  succeeded(key: string): void
}

/** At most `limit` failures of a key in `windowMs`, counted from the first. */
export function createThrottle(
  limit: number,
  windowMs: number,
  now: () => number = Date.now,
  maxKeys = 10_000,
): Throttle {
  const failures = new Map<string, { readonly since: number; readonly count: number }>()

  // Names may be as long as a form: what is kept of each is short.
  const keyOf = (text: string) => hash('sha256', text)

  function current(key: string) {
    const entry = failures.get(key)
    if (entry === undefined || now() - entry.since < windowMs) return entry
    failures.delete(key)
    return undefined
  }

  return {
    waitSeconds(text) {
      const entry = current(keyOf(text))
      if (entry === undefined || entry.count < limit) return 0
      return Math.max(1, Math.ceil((entry.since + windowMs - now()) / 1000))
    },
    failed(text) {
      const key = keyOf(text)
      const entry = current(key)
      failures.set(key, { since: entry?.since ?? now(), count: (entry?.count ?? 0) + 1 })
      if (failures.size <= maxKeys) return
      const oldest = failures.keys().next().value
      if (oldest !== undefined) failures.delete(oldest)
    },
    succeeded(text) {
      failures.delete(keyOf(text))
    },
  }
}
