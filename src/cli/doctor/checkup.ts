import { messageOf } from '../../core/index.ts'

export type Result = 'ok' | 'warning' | 'failed'

/** What a check found. */
export interface Finding {
  readonly result: Result
  /** What is, with names. */
  readonly sentence: string
  /** What to do about it; null: nothing, or the sentence says it. */
  readonly advice: string | null
  /** One line each, for what is a list. */
  readonly details?: readonly string[]
}

export interface NamedFinding extends Finding {
  readonly name: string
}

export const ok = (sentence: string): Finding => ({ result: 'ok', sentence, advice: null })
export const warning = (sentence: string, advice: string | null = null): Finding => ({
  result: 'warning',
  sentence,
  advice,
})
export const failed = (sentence: string, advice: string | null = null): Finding => ({
  result: 'failed',
  sentence,
  advice,
})

/** A run of checks, one after another, with a limit for each and for all. */
export interface Checkup {
  readonly findings: readonly NamedFinding[]
  /** Notes what `look` finds; what it throws is a failure. Gives the facts of it, for later checks; null: there are none. */
  run<T>(name: string, look: Look<T>, limitMs?: number): Promise<T | null>
}

type Look<T> = (signal: AbortSignal) => Promise<Finding | Found<T>>

/** A finding with what later checks want to know. */
export interface Found<T> {
  readonly finding: Finding
  readonly facts: T
}

export function createCheckup(limits: {
  readonly checkMs: number
  readonly totalMs: number
}): Checkup {
  const findings: NamedFinding[] = []
  const endsAtMs = performance.now() + limits.totalMs
  return {
    findings,
    async run(name, look, limitMs = limits.checkMs) {
      const leftMs = Math.min(limitMs, endsAtMs - performance.now())
      const found = await limited(look, leftMs)
      const { finding, facts } = 'finding' in found ? found : { finding: found, facts: null }
      findings.push({ name, ...finding })
      return facts
    },
  }
}

/** A check that does not heed its signal is left to itself. */
async function limited<T>(look: Look<T>, limitMs: number): Promise<Finding | Found<T>> {
  if (limitMs <= 0) return failed('was not looked at: the time for all checks was used up')
  const aborter = new AbortController()
  const { promise: late, resolve } = Promise.withResolvers<Finding>()
  const timer = setTimeout(() => {
    resolve(failed(`did not come to an end within ${Math.ceil(limitMs / 1000)} s`))
    aborter.abort()
  }, limitMs)
  try {
    const looked = look(aborter.signal).catch((error: unknown) => failed(messageOf(error)))
    return await Promise.race([late, looked])
  } finally {
    clearTimeout(timer)
    aborter.abort()
  }
}
