import { type ErrorCode, GatewayError, messageOf } from '../core/index.ts'

// Primary result codes, https://sqlite.org/rescode.html; the extended ones hold them in the low byte.
const resultCodes = {
  busy: 5,
  locked: 6,
  readOnly: 8,
  inputOutput: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  constraint: 19,
  notADatabase: 26,
} as const

type Failure = keyof typeof resultCodes

/** Which of SQLite's failures it is; null: another error. */
export function sqliteFailure(error: unknown): Failure | null {
  if (!(error instanceof Error) || !('errcode' in error)) return null
  const code = Number(error.errcode) & 0xff
  for (const [name, value] of Object.entries(resultCodes))
    if (value === code) return name as Failure
  return null
}

export function isBusy(error: unknown): boolean {
  const failure = sqliteFailure(error)
  return failure === 'busy' || failure === 'locked'
}

/**
 * An error in words for the administrator. `attempt` names the file: "The database /x.sqlite cannot be written". Without a
 * code it is 'unavailable' where the disk or another program is the cause, else 'internal'.
 */
export function sqliteError(attempt: string, cause: unknown, code?: ErrorCode): GatewayError {
  if (cause instanceof GatewayError) return cause
  const failure = sqliteFailure(cause)
  const ours = failure === null || failure === 'constraint'
  return new GatewayError(
    code ?? (ours ? 'internal' : 'unavailable'),
    `${attempt}: ${reasonOf(cause)}.`,
    { cause },
  )
}

function reasonOf(error: unknown): string {
  switch (sqliteFailure(error)) {
    case 'busy':
    case 'locked':
      return 'another program holds it locked (sqlite3, a backup?). End that program'
    case 'readOnly':
      return 'it or its file system is read-only'
    case 'inputOutput':
      return `the disk failed or is full (${messageOf(error)})`
    case 'corrupt':
    case 'notADatabase':
      return `it is damaged or no SQLite database (${messageOf(error)}). Restore it from a backup, or move it away (with its -wal and -shm) to begin anew`
    case 'full':
      return 'the disk is full. Make room'
    case 'cannotOpen':
      return 'it cannot be opened; look at the permissions of the file and of its directory'
    default:
      return messageOf(error)
  }
}
