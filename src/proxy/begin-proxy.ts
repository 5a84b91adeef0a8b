import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'

/** A process that calls `runManagedProxy`, and is the proxy once it has been told how. */
export type ProxyProcess = ChildProcessByStdio<Writable, Readable, null>

/** Begins one. It ends by itself when nobody can tell it anything any more. `command` is its argv. */
export function beginProxy([file = '', ...rest]: readonly string[]): ProxyProcess {
  // A session of its own: neither the terminal's signals nor the gateway's end reach it.
  const child = spawn(file, rest, {
    detached: true,
    env: keptEnvironment(),
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  child.on('error', () => {})
  child.stdin.on('error', () => {})
  return child
}

/** Whether it still waits to be told. */
export function isWaiting(child: ProxyProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null
}

/** Nothing that a secret could be in. */
function keptEnvironment(): NodeJS.ProcessEnv {
  const names = [
    'PATH',
    'HOME',
    'LANG',
    'LC_ALL',
    'TZ',
    'TMPDIR',
    'XDG_RUNTIME_DIR',
    'DASK_GATEWAY_LOG_FORMAT',
  ]
  return Object.fromEntries(
    names
      .filter((name) => process.env[name] !== undefined)
      .map((name) => [name, process.env[name]]),
  )
}
