import {
  type Checks,
  type Finding,
  type FindingResult,
  type FindingWith as Found,
  failed,
  type Look,
  messageOf,
  ok,
  warning,
} from '../../core/index.ts'

export { type Finding, type FindingResult as Result, type Found, failed, ok, warning }

export interface NamedFinding extends Finding {
  readonly name: string
}

/** Checks one after another. */
export interface Checkup extends Checks {
  readonly findings: readonly NamedFinding[]
}

/** `interrupted`: ends the check that runs and keeps the others from beginning, but for those that take something back. */
export function createCheckup(
  limits: { readonly checkMs: number; readonly totalMs: number },
  interrupted: AbortSignal = new AbortController().signal,
): Checkup {
  const findings: NamedFinding[] = []
  const endsAtMs = performance.now() + limits.totalMs
  return {
    findings,
    async run(name, look, limitMs = limits.checkMs) {
      if (interrupted.aborted) return null
      const leftMs = Math.min(limitMs, endsAtMs - performance.now())
      const found = await limited(look, leftMs, interrupted)
      const { finding, facts } = 'finding' in found ? found : { finding: found, facts: null }
      findings.push({ name, ...finding })
      return facts
    },
    async finish(name, look, limitMs) {
      const found = await limited(look, limitMs, new AbortController().signal)
      findings.push({ name, ...('finding' in found ? found.finding : found) })
    },
  }
}

/** A check that does not heed its signal is left to itself. */
async function limited<T>(
  look: Look<T>,
  limitMs: number,
  interrupted: AbortSignal,
): Promise<Finding | Found<T>> {
  if (limitMs <= 0) return failed('was not looked at: the time for all checks was used up')
  const aborter = new AbortController()
  const { promise: late, resolve } = Promise.withResolvers<Finding>()
  const end = (sentence: string) => {
    resolve(failed(sentence))
    aborter.abort()
  }
  const timer = setTimeout(
    end,
    limitMs,
    `did not come to an end within ${Math.ceil(limitMs / 1000)} s`,
  )
  const interrupt = () => end('was interrupted')
  interrupted.addEventListener('abort', interrupt, { once: true })
  try {
    const looked = look(aborter.signal).catch((error: unknown) => failed(messageOf(error)))
    return await Promise.race([late, looked])
  } finally {
    clearTimeout(timer)
    interrupted.removeEventListener('abort', interrupt)
    aborter.abort()
  }
}
