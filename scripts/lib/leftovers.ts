import { readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

const graceMs = 5_000

/**
 * Processes that the tests left behind, ended and described. They are known by the tests' TMPDIR, a folder of this run
 * alone: in their environment, their command line or as their working directory. They get a moment to end by themselves.
 */
export async function endLeftovers(temporary: string): Promise<readonly string[]> {
  const until = Date.now() + graceMs
  while (processesOf(temporary).length > 0 && Date.now() < until) await delay(100)
  return processesOf(temporary).map(({ pid, commandLine }) => {
    process.kill(pid, 'SIGKILL')
    return `${pid} ${commandLine}`
  })
}

/** Removes the tests' TMPDIR and names what was in it. */
export function removeFolder(temporary: string): readonly string[] {
  // Folders that Node and Dask make once for all their processes, and never remove, belong to no test.
  const left = readdirSync(temporary).filter(
    (name) => !/^(node-compile-cache|dask-scratch-space(-\d+)?)$/.test(name),
  )
  rmSync(temporary, { recursive: true, force: true })
  return left
}

function processesOf(temporary: string): { readonly pid: number; readonly commandLine: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((name) => {
      const commandLine = read(() => readFileSync(join('/proc', name, 'cmdline'), 'utf8'))
      const environment = read(() => readFileSync(join('/proc', name, 'environ'), 'utf8'))
      const folder = read(() => readlinkSync(join('/proc', name, 'cwd')))
      return [commandLine, environment, folder].some((text) => text.includes(temporary))
        ? [{ pid: Number(name), commandLine: commandLine.replaceAll('\0', ' ').slice(0, 200) }]
        : []
    })
}

/** '' where the process has ended or is another user's. */
function read(look: () => string): string {
  try {
    return look()
  } catch {
    return ''
  }
}
