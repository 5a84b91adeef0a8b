import { accessSync, constants } from 'node:fs'
import type { Answering } from './answer.ts'
import { limits as protocolLimits } from './protocol.ts'

/** What every command of one call has in common. */
export interface CommandContext {
  readonly environment: Readonly<Record<string, string>>
  readonly directory: string
  /** What is left of the call's time. */
  readonly remainingMs: () => number
}

/** The environment is made here, of nothing that the caller has: sbatch hands it to the job, and reads options from it. */
export function commandContext(
  { identity, limits }: Answering,
  limitMs: number = protocolLimits.defaultLimitMs,
): CommandContext {
  const endMs = performance.now() + limitMs
  return {
    environment: {
      PATH: '/usr/local/bin:/usr/bin:/bin',
      LANG: 'C.UTF-8',
      HOME: identity.home,
      USER: identity.name,
      LOGNAME: identity.name,
      ...limits?.environment,
    },
    directory: canEnter(identity.home) ? identity.home : '/',
    remainingMs: () => Math.floor(endMs - performance.now()),
  }
}

function canEnter(path: string): boolean {
  try {
    accessSync(`${path}/.`, constants.X_OK)
    return true
  } catch {
    return false
  }
}
