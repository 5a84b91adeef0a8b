import { readdirSync, readFileSync, statSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'

// The processes of this machine as /proc tells them (proc(5)).

/** What names a process for ever: a pid alone is given again to others. */
export interface ProcessIdentity {
  readonly pid: number
  /** In clock ticks since the machine's start: field 22 of /proc/PID/stat. */
  readonly startTime: number
}

export interface ProcessRecord extends ProcessIdentity {
  readonly parentPid: number
  readonly sessionId: number
  /** Ended, and only waiting for its parent to ask how. */
  readonly ended: boolean
}

/** The process with this pid now; null: there is none. */
export function readProcess(pid: number): ProcessRecord | null {
  const text = readOrNull(`/proc/${pid}/stat`)
  if (text === null) return null
  // pid (name) state parent group session … start: the name may hold anything, a parenthesis too.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const [state, parentPid, , sessionId] = fields
  return {
    pid,
    startTime: Number(fields[19]),
    parentPid: Number(parentPid),
    sessionId: Number(sessionId),
    ended: state === 'Z' || state === 'X',
  }
}

export function sameProcess(a: ProcessIdentity | null, b: ProcessIdentity | null): boolean {
  return a !== null && b !== null && a.pid === b.pid && a.startTime === b.startTime
}

/** All processes that can be seen. Lets other work go on in between, so it is not of one moment. */
export async function listProcesses(): Promise<readonly ProcessRecord[]> {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  const records: ProcessRecord[] = []
  for (const [index, pid] of pids.entries()) {
    if (index % 100 === 99) await setImmediate()
    const record = readProcess(Number(pid))
    if (record !== null) records.push(record)
  }
  return records
}

/** The account a process runs as; null: there is no such process. */
export function ownerOf(pid: number): number | null {
  return statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid ?? null
}

/** A variable of the environment that a process was started with; null: not set, or not to be seen. */
export function startVariable(pid: number, name: string): string | null {
  const entry = readOrNull(`/proc/${pid}/environ`)
    ?.split('\0')
    .find((each) => each.startsWith(`${name}=`))
  return entry?.slice(name.length + 1) ?? null
}

/** The words that a process was started with; none: it is gone, or shows none. */
export function argumentsOf(pid: number): readonly string[] {
  return (readOrNull(`/proc/${pid}/cmdline`) ?? '').split('\0').slice(0, -1)
}

/** Signals just this process, never another that was given its pid. False: it is gone, or not ours to signal. */
export function signalProcess(process_: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!sameProcess(readProcess(process_.pid), process_)) return false
  try {
    return process.kill(process_.pid, signal)
  } catch {
    return false
  }
}

/** When the machine started, milliseconds since the epoch. */
export function bootTimeMs(): number {
  return Number(/^btime (\d+)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1]) * 1000
}

/** When a process started, milliseconds since the epoch. USER_HZ is 100 wherever Node runs. */
export function startedAt(process_: ProcessIdentity, bootMs: number): number {
  return bootMs + process_.startTime * 10
}

/** Changes with each start of the machine. */
export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
}

/** A process may end between any two looks, and another's files may be closed to us. */
function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}
