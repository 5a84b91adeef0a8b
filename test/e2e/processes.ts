import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** A process of this machine, as /proc shows it. */
export interface SeenProcess {
  readonly pid: number
  /** Its words, with a blank between them. */
  readonly command: string
}

/** Processes whose environment has each of these texts. */
export function processesWith(...texts: readonly string[]): readonly SeenProcess[] {
  return processes((pid) => {
    const environment = proc(pid, 'environ')
    return texts.every((text) => environment.includes(text))
  })
}

/** Processes that work in a directory or below it. */
export function processesIn(directory: string): readonly SeenProcess[] {
  return processes((pid) => `${readlinkSync(`/proc/${pid}/cwd`)}/`.startsWith(`${directory}/`))
}

/** What a process started that has this text in its command. */
export function childrenOf(parent: number, text: string): readonly SeenProcess[] {
  const isChild = (pid: number) =>
    Number(/\) \w (\d+)/.exec(proc(pid, 'stat'))?.[1]) === parent && isLiving(pid)
  return processes(isChild).filter(({ command }) => command.includes(text))
}

/** As proc_pid_stat(5) has it: R, S, T (stopped) …; null: it is gone. */
export function stateOf(pid: number): string | null {
  try {
    return /\) (\w)/.exec(proc(pid, 'stat'))?.[1] ?? null
  } catch {
    return null
  }
}

const isLiving = (pid: number) => !/[ZX]/.test(stateOf(pid) ?? 'X')

function processes(wanted: (pid: number) => boolean): readonly SeenProcess[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .flatMap((pid) => {
      try {
        if (!wanted(pid)) return []
        return [{ pid, command: proc(pid, 'cmdline').replaceAll('\0', ' ').trim() }]
      } catch {
        return [] // it has ended, or is another user's
      }
    })
}

function proc(pid: number, file: string): string {
  return readFileSync(`/proc/${pid}/${file}`, 'utf8')
}
