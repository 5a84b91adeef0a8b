import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { asOwner, type Owner } from './as-account.ts'

const limitMs = 2000

/**
 * Those of the owner's processes whose environment or command line holds a text. A process of theirs looks, with a limit:
 * reading what a process wrote there may take for ever if it wants it to, and would hold a gateway that is root.
 */
export async function processesWith(
  text: string,
  file: 'environ' | 'cmdline',
  pids: readonly number[],
  owner: Owner,
): Promise<ReadonlySet<number>> {
  const paths = pids.map((pid) => `/proc/${pid}/${file}`)
  if (paths.length === 0) return new Set()
  const [program, ...args] = asOwner(owner, ['grep', '-lsF', '-e', text, '--', ...paths])
  const options = { cwd: '/', env: { PATH: '/usr/bin:/bin' }, signal: AbortSignal.timeout(limitMs) }
  // grep(1) also fails when a process has ended meanwhile, or when none has the text.
  const found = await promisify(execFile)(program, args, options).catch((error: unknown) => ({
    stdout: String((error as { stdout?: unknown }).stdout ?? ''),
  }))
  const asked = new Set(pids)
  const named = [...found.stdout.matchAll(/^\/proc\/(\d+)\//gm)].map(([, pid]) => Number(pid))
  return new Set(named.filter((pid) => asked.has(pid)))
}
