/** What `doctor` found at one place. */
export interface Finding {
  readonly result: FindingResult
  /** What is, with names. */
  readonly sentence: string
  /** What to do about it; null: nothing, or the sentence says it. */
  readonly advice: string | null
  /** One line each, for what is a list. */
  readonly details?: readonly string[]
}

export type FindingResult = 'ok' | 'warning' | 'failed'

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

/** A finding with what later checks want to know. */
export interface FindingWith<T> {
  readonly finding: Finding
  readonly facts: T
}

/** Looks at one thing. What it throws is a failure; its signal says that nobody waits any longer. */
export type Look<T> = (signal: AbortSignal) => Promise<Finding | FindingWith<T>>

/** A run of checks, one after another, with a limit for each and for all. */
export interface Checks {
  /** Notes what `look` finds. Gives the facts of it, for later checks; null: there are none. */
  run<T>(name: string, look: Look<T>, limitMs?: number): Promise<T | null>
  /** The same for what takes something back: it is run when the time for all is over or somebody has interrupted them, too. */
  finish(name: string, look: Look<never>, limitMs: number): Promise<void>
}
