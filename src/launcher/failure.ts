import type { Failure, FailureCode } from './protocol.ts'

/** Why a request is not done, as the reply says it. */
export class LauncherFailure extends Error {
  readonly code: FailureCode

  constructor(code: FailureCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

export function failureReply(error: unknown): Failure {
  if (error instanceof LauncherFailure) return { ok: false, code: error.code, error: error.message }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return { ok: false, code: 'internal', error: `A fault of the launcher: ${text.slice(0, 4000)}` }
}

/** `ENOENT` and the like; empty for what is no error of the system. */
export function systemCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

/** An error of the system in words, without Node's own (paths like /proc/self/fd/9 tell nobody anything). */
export function systemWords(error: unknown): string {
  return error instanceof Error ? error.message.replace(/, \w+( '.*)?$/, '') : String(error)
}
