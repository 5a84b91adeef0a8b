import { spawnSync } from 'node:child_process'
import { join, resolve } from 'node:path'
import { test } from 'node:test'

const root = resolve(import.meta.dirname, '../..')

/** Set inside the machine. */
export const insideVariable = 'PBS_COMMANDS_MACHINE'

/**
 * Runs the tests of a file (an ordinary file of node:test) as root on a machine of its own, on which test/fakes/pbs-commands stands
 * in for a PBS; they are reported as those of the test file that calls this, which does nothing else.
 */
export function testsInPbsMachine(file: string): void {
  if (process.getuid?.() !== 0) {
    test('on a machine with the commands of PBS', { skip: 'needs root' }, () => undefined)
    return
  }
  const { status, signal } = spawnSync(
    join(root, 'test/fakes/pbs-commands/machine'),
    [process.execPath, ...process.execArgv, file],
    { stdio: 'inherit', env: { ...process.env, [insideVariable]: 'yes' } },
  )
  if (signal !== null) console.error(`the machine with the commands of PBS was ended by ${signal}`)
  process.exitCode = status ?? 1
}
