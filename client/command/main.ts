import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { run } from './run.ts'

/** `dask-gateway`. Ctrl-C ends what it waits for, in order; a second one ends it at once. */
async function main(): Promise<void> {
  const interrupted = new AbortController()
  let signalNumber = 0
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      signalNumber = constants.signals[signal]
      if (interrupted.signal.aborted) process.exit(128 + signalNumber)
      interrupted.abort(new Error(signal))
    })
  // Whoever read it has seen enough (`| head`).
  process.stdout.on('error', () => process.exit(128 + constants.signals.SIGPIPE))
  process.stderr.on('error', () => {})
  const status = await run({
    words: process.argv.slice(2),
    environment: process.env,
    stdout: process.stdout,
    stderr: process.stderr,
    signal: interrupted.signal,
    version: versionOfPackage(),
  })
  // What is still to be written goes out before the end.
  process.stdout.write('', () => process.exit(signalNumber === 0 ? status : 128 + signalNumber))
}

function versionOfPackage(): string {
  const file = join(import.meta.dirname, '../../package.json')
  return (JSON.parse(readFileSync(file, 'utf8')) as { readonly version: string }).version
}

main().catch((error: unknown) => {
  process.stderr.write(`dask-gateway: ${String(error)}\n`)
  process.exit(70)
})
