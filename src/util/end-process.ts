import { libcFunction } from './libc-function.ts'

/**
 * Ends this process as `process.exit` does, but waits for none of its threads. Node waits for V8's, one of which may itself wait for
 * the main thread to collect garbage, and so for ever (https://github.com/nodejs/node/issues/54918), and for those of libuv's pool,
 * whatever they do. Without the library koffi it is `process.exit`; so it is for a profile, which is written at the very end.
 */
export function endProcess(status: number): never {
  const exitAtOnce = isProfiled() ? null : libcFunction<(status: number) => void>('void _exit(int)')
  // The last of its listeners.
  if (exitAtOnce !== null) process.once('exit', exitAtOnce)
  process.exit(status)
}

function isProfiled(): boolean {
  return process.execArgv.some((each) => /^--(cpu|heap)-prof/.test(each))
}
