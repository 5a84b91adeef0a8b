import { messageOf } from '../core/index.ts'

/** One thing that must be well for the gateway to be of use. `check` throws with the reason when it is not. */
export interface ReadinessCheck {
  readonly name: string
  readonly check: () => Promise<void>
}

export interface Readiness {
  readonly status: 'pass' | 'fail'
  /** "pass", or the reason, by the check's name. */
  readonly checks: { readonly [name: string]: string }
}

const checkLimitMs = 2000
// Anybody may ask, and a check may write to the disk.
const keptForMs = 1000

/** Runs all checks, at most once a second; a check that hangs has failed. */
export function createReadiness(
  checks: readonly ReadinessCheck[],
  now: () => number = Date.now,
): () => Promise<Readiness> {
  let last: { readonly at: number; readonly result: Promise<Readiness> } | null = null
  return () => {
    if (last === null || now() - last.at >= keptForMs) last = { at: now(), result: runAll(checks) }
    return last.result
  }
}

async function runAll(checks: readonly ReadinessCheck[]): Promise<Readiness> {
  const results = await Promise.all(
    checks.map(async ({ name, check }) => [name, await resultOf(check)] as const),
  )
  const status = results.every(([, result]) => result === 'pass') ? 'pass' : 'fail'
  return { status, checks: Object.fromEntries(results) }
}

async function resultOf(check: () => Promise<void>): Promise<string> {
  const { promise: late, resolve } = Promise.withResolvers<string>()
  const timer = setTimeout(resolve, checkLimitMs, `no answer within ${checkLimitMs / 1000} s`)
  try {
    return await Promise.race([check().then(() => 'pass'), late])
  } catch (error) {
    return messageOf(error)
  } finally {
    clearTimeout(timer)
  }
}
