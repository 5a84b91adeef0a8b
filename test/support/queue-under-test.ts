import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { backends } from '../../src/backends/index.ts'
import { type Backend, type Logger, resolveSettings } from '../../src/core/index.ts'
import type { BackendUnderTest } from '../contracts/backend.ts'

export type QueueBackendName = 'SlurmBackend' | 'PBSBackend'

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, with: () => silent }
const fixture = join(import.meta.dirname, 'start-scheduler.fixture.ts')

/** What the fixture is told. */
export interface QueueGatewayState {
  readonly name: QueueBackendName
  readonly instanceId: string
  readonly stateDirectory: string
}

/** A backend for job queues as the contract's suite wants it, inside a machine with that queue, as root. */
export async function queueUnderTest(
  name: QueueBackendName,
  username: string,
  signal: AbortSignal,
): Promise<BackendUnderTest> {
  const base = mkdtempSync('/tmp/queue-')
  chmodSync(base, 0o711)
  const scratch = join(base, 'scratch')
  mkdirSync(scratch)
  chmodSync(scratch, 0o1777)
  const instanceId = () => randomBytes(16).toString('hex')
  const state = { name, instanceId: instanceId(), stateDirectory: base }
  const other = { name, instanceId: instanceId(), stateDirectory: join(base, 'other') }
  const open = async (each: QueueGatewayState) => {
    const backend = makeBackend(each)
    await backend.start(signal)
    return backend
  }
  return {
    ...{ username, scratch },
    open: () => open(state),
    openOther: () => open(other),
    async startFromGatewayThatDies(cluster) {
      const child = spawn(process.execPath, [fixture], { stdio: ['pipe', 'pipe', 'inherit'] })
      child.stdin.end(JSON.stringify({ state, cluster }))
      child.stdout.once('data', () => child.kill('SIGKILL'))
      const [said] = await Promise.all([text(child.stdout), once(child, 'exit')])
      assert.equal(child.signalCode, 'SIGKILL')
      const outcome = JSON.parse(said)
      assert.equal(outcome.outcome, 'started', said)
      return outcome.handle
    },
    async close() {
      assert.deepEqual(readdirSync(`/home/${username}/.dask-gateway`), [])
      rmSync(base, { recursive: true })
    },
  }
}

/** As a gateway makes it; not started. */
export function makeBackend({ name, instanceId, stateDirectory }: QueueGatewayState): Backend {
  const driver = backends[name]
  assert.ok(driver !== undefined)
  const apiUrl = 'http://127.0.0.1:1/api'
  const context = { instanceId, stateDirectory, apiUrl, wake() {}, logger: silent }
  return driver.create(resolveSettings(driver.settings, new Map()), context)
}
