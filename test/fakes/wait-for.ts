import { setTimeout as delay } from 'node:timers/promises'

/** Resolves with the first value of `get` that is not null, undefined or false; fails after `limitMs`, naming `what`. */
export async function waitFor<T>(
  what: string,
  get: () => T | Promise<T>,
  limitMs = 10_000,
): Promise<NonNullable<Exclude<T, false>>> {
  const until = performance.now() + limitMs
  for (;;) {
    const value = await get()
    if (value !== null && value !== undefined && value !== false)
      return value as NonNullable<Exclude<T, false>>
    if (performance.now() > until) throw new Error(`waited ${limitMs} ms for ${what}`)
    await delay(5)
  }
}
