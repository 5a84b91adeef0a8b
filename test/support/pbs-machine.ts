import { spawnSync } from 'node:child_process'
import { join, resolve } from 'node:path'
import { test } from 'node:test'

const root = resolve(import.meta.dirname, '../..')
const path = `${process.env.PATH}:/opt/pbs/bin`

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
    { stdio: 'inherit' },
  )
  if (signal !== null) console.error(`the machine with the commands of PBS was ended by ${signal}`)
  process.exitCode = status ?? 1
}

/**
 * The same, but on this machine and its PBS where there is one: one that DASK_GATEWAY_REAL_PBS=1 promises, or one that answers where the
 * accounts are known that would submit to it.
 */
export async function testsOnPbs(file: string): Promise<void> {
  if (!hasPbs()) return testsInPbsMachine(file)
  console.log('These tests run on the PBS of this machine')
  process.env.PATH = path
  await import(file)
}

function hasPbs(): boolean {
  const { DASK_GATEWAY_REAL_PBS: promised } = process.env
  if (promised !== undefined) return promised === '1'
  const options = { env: { PATH: path }, timeout: 20_000 }
  return (
    spawnSync('qstat', ['-B'], options).status === 0 &&
    spawnSync('getent', ['passwd', firstUser, secondUser]).status === 0
  )
}

/** Two ordinary accounts that may submit jobs. */
export const [firstUser = 'alice', secondUser = 'bob'] = (
  process.env.DASK_GATEWAY_PBS_USERS ?? 'alice,bob'
).split(',')

/** Where these do; empty: the server's default. */
export const queue = process.env.DASK_GATEWAY_PBS_QUEUE ?? ''
