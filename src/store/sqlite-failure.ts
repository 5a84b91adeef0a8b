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
