import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Attempt, Cluster, Observation, Worker } from '../core/index.ts'
import { leftUnexpectedly } from './heartbeat.ts'
import { nextStep } from './lifecycle.ts'
import { fullRoom } from './room.ts'
import { type AttemptFacts, type Limits, newAttemptFacts, type Situation } from './situation.ts'

const limits: Limits = {
  clusterStart: 60_000,
  workerStart: 60_000,
  heartbeat: 30_000,
  queue: 86_400_000,
  settle: 15_000,
  roomAgain: 10_000,
  stopAgain: 30_000,
  workerStartFailures: 3,
}
const now = 1_000_000
const asked: Attempt = { id: 'a', createdAt: Date.now(), handle: null, runningSince: null }
const accepted: Attempt = { ...asked, handle: 7 }
const gone: Observation = { state: 'gone', reason: 'exited with status 1', exitCode: 1 }
const runs: Observation = { state: 'running', since: null, nodeAddresses: [] }
const waits: Observation = { state: 'pending', reason: null }

interface Case {
  readonly cluster?: Partial<Cluster>
  readonly workers?: readonly Partial<Worker>[]
  readonly facts?: Partial<Situation['facts']>
  readonly seen?: { readonly [attemptId: string]: Partial<AttemptFacts> }
  readonly quota?: Partial<Situation['quota']>
  readonly life?: Partial<Situation['life']>
}

function situation({
  cluster,
  workers = [],
  facts,
  seen = {},
  quota = {},
  life = {},
}: Case): Situation {
  return {
    cluster: {
      status: 'created',
      target: 'running',
      count: 0,
      attempt: null,
      queued: null,
      endAge: null,
      adaptive: null,
      settings: { cluster_max_lifetime: 0, client_timeout: 0, end_warning: 300 },
      workerStartFailures: 0,
      ...cluster,
    } as Cluster,
    workers: workers.map(
      (worker, index) =>
        ({
          name: `w${index}`,
          status: 'created',
          target: 'running',
          attempt: null,
          endExpected: false,
          reason: null,
          ...worker,
        }) as Worker,
    ),
    facts: {
      heardAt: now,
      published: true,
      startBegunAt: now,
      lastError: null,
      room: fullRoom,
      firstAge: null,
      usedAt: now,
      clientWarnedAt: null,
      quotaWait: null,
      ...facts,
      attempts: new Map(
        Object.entries(seen).map(([id, fact]) => [id, { ...newAttemptFacts(now), ...fact }]),
      ),
    },
    limits,
    life: { ageMs: null, clients: { state: 'unknown' }, ...life },
    quota: { waitsFor: null, workers: Number.POSITIVE_INFINITY, ...quota },
    now,
  }
}

const table: readonly [string, Case, string][] = [
  ['a new cluster is started', {}, 'start-scheduler'],
  ['an outcome that is not known is asked for', { cluster: { attempt: asked } }, 'find'],
  [
    'missed once: wait for the second look',
    { cluster: { attempt: asked }, seen: { a: { absentSince: now - 1 } } },
    'wait',
  ],
  [
    'the second look',
    { cluster: { attempt: asked }, seen: { a: { absentSince: now - 15_000 } } },
    'find',
  ],
  [
    'missed twice: try anew',
    { cluster: { attempt: asked }, seen: { a: { absent: true } } },
    'start-scheduler',
  ],
  [
    'not accepted in time',
    { cluster: { attempt: asked }, facts: { startBegunAt: now - 60_000 } },
    'fail',
  ],
  [
    'accepted: wait for the heartbeat',
    { cluster: { status: 'submitted', attempt: accepted } },
    'wait',
  ],
  [
    'no heartbeat in time',
    {
      cluster: { status: 'submitted', attempt: accepted },
      seen: { a: { observation: runs, notRunningAt: now - 60_000 } },
    },
    'fail',
  ],
  [
    'waiting in a queue is no failure',
    {
      cluster: { status: 'submitted', attempt: accepted },
      seen: { a: { observation: waits, notRunningAt: now - 60_000 } },
    },
    'wait',
  ],
  [
    'but not for ever',
    {
      cluster: {
        status: 'submitted',
        attempt: { ...accepted, createdAt: Date.now() - 86_400_001 },
      },
      seen: { a: { observation: waits } },
    },
    'fail',
  ],
  [
    'died before it was ready',
    { cluster: { status: 'submitted', attempt: accepted }, seen: { a: { observation: gone } } },
    'fail',
  ],
  [
    'died later',
    { cluster: { status: 'running', attempt: accepted }, seen: { a: { observation: gone } } },
    'fail',
  ],
  [
    'no heartbeat for long',
    { cluster: { status: 'running', attempt: accepted }, facts: { heardAt: now - 30_000 } },
    'fail',
  ],
  [
    'the route first',
    { cluster: { status: 'running', attempt: accepted }, facts: { published: false } },
    'publish',
  ],
  [
    'a heartbeat before the answer of the start',
    { cluster: { status: 'running', attempt: asked } },
    'find',
  ],
  ['all is well', { cluster: { status: 'running', attempt: accepted } }, 'wait'],
  [
    'workers are wanted',
    { cluster: { status: 'running', attempt: accepted, count: 2 }, workers: [{}] },
    'add-workers',
  ],
  [
    'and started',
    { cluster: { status: 'running', attempt: accepted, count: 1 }, workers: [{}] },
    'start-workers',
  ],
  [
    'fewer are wanted',
    { cluster: { status: 'running', attempt: accepted, count: 0 }, workers: [{}] },
    'retire-workers',
  ],
  [
    'connected ones are left alone',
    {
      cluster: { status: 'running', attempt: accepted, count: 0 },
      workers: [{ status: 'running', attempt: { ...accepted, id: 'b' } }],
    },
    'wait',
  ],
  [
    'one that the scheduler retires is replaced only if more are wanted',
    {
      cluster: { status: 'running', attempt: accepted, count: 0 },
      workers: [{ status: 'running', endExpected: true, attempt: { ...accepted, id: 'b' } }],
    },
    'wait',
  ],
  [
    'a dead worker is written down',
    {
      cluster: { status: 'running', attempt: accepted, count: 1 },
      workers: [{ status: 'running', attempt: { ...accepted, id: 'b' } }],
      seen: { b: { observation: gone } },
    },
    'end-workers',
  ],
  [
    'too many failures',
    { cluster: { status: 'running', attempt: accepted, workerStartFailures: 3 } },
    'fail',
  ],
  [
    'a stop closes first',
    { cluster: { status: 'running', target: 'stopped', attempt: accepted } },
    'close',
  ],
  [
    'then stops',
    { cluster: { status: 'closing', target: 'stopped', attempt: accepted } },
    'stop-objects',
  ],
  [
    'and waits until it is seen gone',
    {
      cluster: { status: 'closing', target: 'stopped', attempt: accepted },
      seen: { a: { observation: runs, stopAskedAt: now - 1 } },
    },
    'wait',
  ],
  [
    'and asks again',
    {
      cluster: { status: 'closing', target: 'stopped', attempt: accepted },
      seen: { a: { observation: runs, stopAskedAt: now - 30_000 } },
    },
    'stop-objects',
  ],
  [
    'a stop of what may not exist looks first',
    { cluster: { status: 'closing', target: 'stopped', attempt: asked } },
    'find',
  ],
  [
    'gone: finish',
    {
      cluster: { status: 'closing', target: 'failed', attempt: accepted },
      seen: { a: { observation: gone } },
    },
    'finish',
  ],
  ['never started: finish', { cluster: { status: 'closing', target: 'stopped' } }, 'finish'],
  ['the end', { cluster: { status: 'stopped', target: 'stopped' } }, 'wait'],
]

for (const [name, given, expected] of table)
  test(name, () => assert.equal(nextStep(situation(given)).do, expected))

test('a wait ends at the next time-out', () => {
  const step = nextStep(
    situation({
      cluster: { status: 'running', attempt: accepted },
      facts: { heardAt: now - 10_000 },
    }),
  )
  assert.deepEqual(step, { do: 'wait', until: now + 20_000, isShort: false })
})

test('who left the scheduler has a moment to end by itself, so that the backend can tell why', () => {
  const left = (seen: Partial<AttemptFacts>) =>
    nextStep(
      situation({
        cluster: { status: 'running', attempt: accepted },
        workers: [
          {
            ...{ status: 'running', target: 'failed', reason: leftUnexpectedly },
            attempt: { ...accepted, id: 'b' },
          },
        ],
        seen: { b: seen },
      }),
    )
  const reasonOf = (seen: Partial<AttemptFacts>) => {
    const step = left(seen)
    return step.do === 'end-workers' ? step.ends[0]?.reason : step.do
  }
  assert.deepEqual(left({ observation: runs, leftAt: now - 1000 }), {
    ...{ do: 'wait', until: now + 4000, isShort: false },
  })
  assert.equal(left({ observation: runs, leftAt: now - 5000 }).do, 'stop-objects')
  assert.equal(left({ observation: runs }).do, 'stop-objects')
  assert.equal(reasonOf({ observation: gone }), `${leftUnexpectedly}: exited with status 1`)
  // How it ends then is our doing, unless it was the system's.
  assert.equal(reasonOf({ observation: gone, stopAskedAt: now }), leftUnexpectedly)
  const preempted = { ...gone, interrupted: true } as const
  assert.match(
    reasonOf({ observation: preempted, stopAskedAt: now }) ?? '',
    /: exited with status 1/,
  )
})
