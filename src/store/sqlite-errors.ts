import { type ErrorCode, GatewayError, messageOf } from '../core/index.ts'
import { sqliteFailure } from './sqlite-failure.ts'

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
