import { constants } from 'node:os'

/** How a process ended, as its parent learns it. */
export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** What a shell's `$?` says: 128 and more for a signal. A command that gives such a status itself means the same by it. */
export function exitOfStatus(status: number): Exit {
  const number = status - 128
  const [signal] = Object.entries(constants.signals).find(([, each]) => each === number) ?? []
  return signal === undefined
    ? { code: status, signal: null }
    : { code: null, signal: signal as NodeJS.Signals }
}

export function exitReason({ code, signal }: Exit): string {
  return signal === null
    ? `exited with status ${code}`
    : `killed by signal ${constants.signals[signal]} (${signal})`
}

/** The last line of a log that says anything, fit to be part of a sentence; null: there is none. */
export function lastLine(log: Buffer | null): string | null {
  const lines = (log?.toString('utf8') ?? '')
    .split('\n')
    .map((line) => line.replace(/[\p{C}\s]+/gu, ' ').trim())
  const last = lines.findLast((line) => line !== '')
  return last === undefined ? null : last.length > 200 ? `${last.slice(0, 200)}…` : last
}
