import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ClientPresence, Cluster } from '../core/index.ts'
import { ageOf, comingEnd, durationText, towardsEndOfLife } from './life.ts'
import type { Situation } from './situation.ts'

const now = 1_000_000_000
const hour = 3_600_000
const minute = 60_000

const ages: readonly [string, { ready: number; calendar: number; first: number }, number][] = [
  ['both clocks agree', { ready: 0, calendar: 3 * hour, first: 2 * hour }, 3 * hour],
  ['the calendar jumps ahead', { ready: 0, calendar: 900 * hour, first: 2 * hour }, 3 * hour],
  ['the calendar jumps back', { ready: 0, calendar: hour, first: 2 * hour }, hour],
  ['back behind its start', { ready: 5 * hour, calendar: hour, first: 0 }, 0],
  [
    'it was ahead when this process began',
    { ready: 0, calendar: 2 * hour, first: 900 * hour },
    2 * hour,
  ],
]
for (const [name, { ready, calendar, first }, age] of ages)
  test(`the age when ${name}`, () => {
    assert.equal(ageOf(ready, calendar, { ageMs: first, at: now - hour }, now), age)
  })

interface Case {
  readonly lifetime?: number
  readonly timeout?: number
  readonly warning?: number
  readonly age?: number
  readonly endAge?: number
  readonly clients?: ClientPresence
  readonly usedAgo?: number
  readonly warnedAgo?: number
}

function situation(given: Case): Situation {
  const { lifetime = 0, timeout = 0, warning = 300, age = 0, endAge = null, warnedAgo } = given
  const settings = {
    cluster_max_lifetime: lifetime,
    client_timeout: timeout,
    end_warning: warning,
  }
  return {
    cluster: { settings, endAge } as unknown as Cluster,
    facts: {
      usedAt: now - (given.usedAgo ?? 100 * hour),
      clientWarnedAt: warnedAgo === undefined ? null : now - warnedAgo,
    },
    life: { ageMs: age, clients: given.clients ?? { state: 'unknown' } },
    now,
  } as Situation
}

const none = (ago: number): ClientPresence => ({ state: 'none', since: now - ago })

/** What is done, or after how long it is looked at again. */
const table: readonly [string, Case, string | number | null][] = [
  ['no limit', { age: 1000 * hour, clients: none(1000 * hour) }, null],
  ['young', { lifetime: 3600, age: 10 * minute }, 45 * minute],
  ['near its end', { lifetime: 3600, age: 55 * minute }, 'warn-of-end in 300 s'],
  ['warned', { lifetime: 3600, age: 56 * minute, endAge: hour }, 4 * minute],
  ['its lifetime is over', { lifetime: 3600, age: hour, endAge: hour }, 'end'],
  ['too old already: warned first', { lifetime: 3600, age: 9 * hour }, 'warn-of-end in 300 s'],
  ['too old and warned', { lifetime: 3600, age: 9 * hour, endAge: 9 * hour + minute }, minute],
  ['without warning', { lifetime: 3600, warning: 0, age: hour }, 'end'],
  ['a life shorter than the warning', { lifetime: 60, age: 0 }, 'warn-of-end in 60 s'],
  ['a client', { timeout: 3600, clients: { state: 'connected', count: 1 } }, 55 * minute],
  ['nobody knows', { timeout: 3600, clients: { state: 'unknown' } }, 55 * minute],
  ['nobody for a while', { timeout: 3600, clients: none(10 * minute) }, 45 * minute],
  ['nobody for long', { timeout: 3600, clients: none(56 * minute) }, 'warn-of-end in 300 s'],
  ['its owner asked', { timeout: 3600, clients: none(9 * hour), usedAgo: minute }, 54 * minute],
  [
    'nobody, and warned',
    { timeout: 3600, clients: none(56 * minute), warnedAgo: minute },
    4 * minute,
  ],
  ['nobody for all the time', { timeout: 3600, clients: none(hour), warnedAgo: 5 * minute }, 'end'],
  [
    'somebody came after the warning',
    { timeout: 3600, clients: none(minute), warnedAgo: 5 * minute },
    54 * minute,
  ],
  ['nobody, without warning', { timeout: 60, warning: 0, clients: none(minute) }, 'end'],
]
for (const [name, given, expected] of table)
  test(`towards the end: ${name}`, () => {
    const waits: number[] = []
    const step = towardsEndOfLife(situation(given), waits)
    if (step === null)
      return assert.equal(waits.length === 0 ? null : Math.min(...waits) - now, expected)
    const inText = step.do === 'warn-of-end' ? ` in ${step.inMs / 1000} s` : ''
    return assert.equal(`${step.do}${inText}`, expected)
  })

test('people see the nearest end, and why', () => {
  const end = (given: Case) => {
    const { cluster, facts, life } = situation(given)
    return comingEnd(cluster.settings, cluster.endAge, life, facts.usedAt, now)
  }
  const both = { lifetime: 7200, timeout: 1800, age: hour }
  assert.deepEqual(end({ ...both, clients: none(10 * minute) }), {
    inMs: 20 * minute,
    reason: 'No client was connected for 30 min (client_timeout)',
  })
  assert.deepEqual(end(both), {
    inMs: hour,
    reason: 'Its lifetime of 2 h is over (cluster_max_lifetime)',
  })
  assert.equal(end({ clients: none(0) }), null)
})

test('durations are told as people say them', () => {
  const words = [1.5, 45, 60, 90, 300, 3600, 5400, 9000, 86_400, 604_800].map(durationText)
  const expected = ['1.5 s', '45 s', '1 min', '90 s', '5 min', '1 h', '90 min', '2.5 h', '1 day']
  assert.deepEqual(words, [...expected, '7 days'])
})
