// Run by slurm-contract.test.ts inside a machine with Slurm.
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { randomHex } from '../../src/util/index.ts'
import { backendContract, eventually, type Stopping, testCluster } from '../contracts/backend.ts'
import { queueUnderTest } from '../support/queue-under-test.ts'
import { runAs } from '../support/slurm-machine.ts'

const signal = AbortSignal.timeout(300_000)

// The machine's Slurm knows a job's processes by their parents (proctrack/linuxproc).
const stopping: Stopping = { signals: ['SIGTERM'], findsOrphans: false }
backendContract('SlurmBackend', () => queueUnderTest('SlurmBackend', 'alice', signal), stopping)

test('a sweep leaves alone what another gateway, the old server and forgers have on the queue', async () => {
  const under = await queueUnderTest('SlurmBackend', 'bob', signal)
  const backend = await under.open()
  const other = await under.openOther()
  const [stray, foreign] = [testCluster('bob', 'sleep 600'), testCluster('bob', 'sleep 600')]
  const [strayStart, foreignStart] = [
    await backend.startScheduler(stray, signal),
    await other.startScheduler(foreign, signal),
  ]
  const [strayJob, foreignJob] = [strayStart, foreignStart].map((outcome) => {
    assert.equal(outcome.outcome, 'started')
    return String((outcome.handle as { readonly job: string }).job)
  })
  // The name that the old server gives all its jobs, and one that holds a line which looks like a stray under that job's id.
  const strayName = await nameOf(strayJob ?? '')
  const innocent = await submit('bob', 'dask-gateway')
  const forged = `x\n${innocent}|R|None|0|bob|n0|${strayName}|`
  const jobs = [innocent, await submit('alice', forged), await submit('alice', 'dask-gateway')]
  const isCurrent = (attemptId: string) => attemptId !== stray.attempt?.id
  const stopped: string[] = []
  await eventually(async () => {
    stopped.push(...(await backend.sweep(isCurrent, 0, signal)))
    assert.ok(!(await live()).includes(strayJob ?? ''))
  })
  stopped.push(...(await backend.sweep(isCurrent, 0, signal)))
  const running = await live()
  assert.deepEqual(
    [...jobs, foreignJob, strayJob].filter((id) => !running.includes(id ?? '')),
    [strayJob],
    stopped.join('; '),
  )
  await runAs('alice', ['scancel', ...jobs])
  for (const user of ['alice', 'bob']) await runAs(user, ['scancel', `--user=${user}`])
  await eventually(async () => assert.deepEqual(await live(), []))
  for (const [each, by] of [
    [stray, backend],
    [foreign, other],
  ] as const)
    await by.cleanUp(each, signal)
  await under.close()
})

test('a sweep ends no workers that records know, when somebody has removed what tells of their arrays', async () => {
  const under = await queueUnderTest('SlurmBackend', 'alice', signal)
  const cluster = testCluster('alice', 'sleep 600')
  const first = await under.open()
  const starts = ['w0', 'w1'].map((workerName) => ({ workerName, attemptId: randomHex(8) }))
  const outcomes = await first.startWorkers(cluster, starts, signal)
  const refs = starts.map(({ workerName, attemptId }) => {
    const outcome = outcomes.get(attemptId)
    assert.ok(outcome?.outcome === 'started')
    const { name: clusterName, username } = cluster
    const { handle } = outcome
    return { clusterName, username, workerName, attemptId, createdAt: 0, handle }
  })
  rmSync(join(under.scratch, '../job-arrays'), { recursive: true })
  const backend = await under.open()
  await backend.observe(refs, signal)
  const sweep = () => backend.sweep((id) => starts.some((each) => each.attemptId === id), 0, signal)
  assert.deepEqual([await sweep(), await sweep(), await sweep()], [[], [], []])
  assert.equal((await live()).length, 2)
  // Nor any that none knows.
  await backend.observe(refs.slice(0, 1), signal)
  await sweep()
  assert.equal((await sweep()).length, 1)
  await backend.stopObjects(cluster, refs, signal)
  await eventually(async () => assert.deepEqual(await live(), []))
  await backend.cleanUp(cluster, signal)
  await under.close()
})

async function submit(user: string, name: string): Promise<string> {
  const options = ['--parsable', '--mem=10', '--output=/dev/null', `--job-name=${name}`]
  const script = { input: '#!/bin/sh\nsleep 600\n' }
  const { status, stdout, stderr } = await runAs(user, ['sbatch', ...options], script)
  assert.equal(status, 0, stderr)
  return stdout.trim()
}

async function nameOf(job: string): Promise<string> {
  return (await runAs('alice', ['squeue', '-h', '-j', job, '-o', '%j'])).stdout.trim()
}

/** Ids of all jobs that have not ended. */
async function live(): Promise<readonly string[]> {
  const { stdout } = await runAs('alice', ['squeue', '--noheader', '--array', '--format=%i'])
  return stdout.split('\n').filter((line) => line !== '')
}
