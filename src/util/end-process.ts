import { createRequire } from 'node:module'
import { join } from 'node:path'
import { packageFolder } from './package-files.ts'

/**
 * Ends this process as `process.exit` does, but waits for none of its threads. Node waits for V8's, one of which may itself wait for
 * the main thread to collect garbage, and so for ever (https://github.com/nodejs/node/issues/54918), and for those of libuv's pool,
 * whatever they do. Without the library koffi it is `process.exit`; so it is for a profile, which is written at the very end.
 */
export function endProcess(status: number): never {
  const exitAtOnce = isProfiled() ? null : findExit()
  // The last of its listeners.
  if (exitAtOnce !== null) process.once('exit', exitAtOnce)
  process.exit(status)
}

function isProfiled(): boolean {
  return process.execArgv.some((each) => /^--(cpu|heap)-prof/.test(each))
}

/** _exit(2); null: it cannot be had. */
function findExit(): ((status: number) => void) | null {
  try {
    const koffi = createRequire(join(packageFolder, 'package.json'))(
      'koffi',
    ) as typeof import('koffi').default
    return koffi.load('libc.so.6').func('void _exit(int)')
  } catch {
    return null
  }
}
