import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type DayUsage, noUsage, splitByDay, sumUsage, type UsageKey } from './usage.ts'

test('a stretch of time is cut at the midnights of UTC, and nothing of it is lost', () => {
  const start = Date.parse('2026-03-28T23:00:00Z')
  const end = Date.parse('2026-03-30T01:00:00.250Z')
  assert.deepEqual(
    [...splitByDay(start, end)],
    [
      ['2026-03-28', 3_600_000],
      ['2026-03-29', 86_400_000],
      ['2026-03-30', 3_600_250],
    ],
  )
  assert.deepEqual([...splitByDay(end, start)], [])
  assert.deepEqual([...splitByDay(start, start)], [])
})

test('sums are made by what is asked for; several groups or labels count for each', () => {
  const days: DayUsage[] = [
    usage('2026-01-31', 'alice', ['a', 'b'], { project: 'x', team: 'y' }, 1),
    usage('2026-02-01', 'alice', ['a'], {}, 2),
    usage('2026-02-01', 'bob', [], { project: 'x' }, 4),
  ]
  const sums = (...by: UsageKey[]) =>
    sumUsage(days, { from: '', to: '', username: null, by: new Set(by) }).map(
      ({ day, month, user, group, label, workerMs }) => [
        [day, month, user, group, label].filter((each) => each !== null).join(' '),
        workerMs,
      ],
    )
  assert.deepEqual(sums(), [['', 7]])
  assert.deepEqual(sums('month'), [
    ['2026-01', 1],
    ['2026-02', 6],
  ])
  assert.deepEqual(sums('user'), [
    ['alice', 3],
    ['bob', 4],
  ])
  assert.deepEqual(sums('group'), [
    ['a', 3],
    ['b', 1],
    ['', 4],
  ])
  assert.deepEqual(sums('label'), [
    ['project=x', 5],
    ['team=y', 1],
    ['', 2],
  ])
  assert.deepEqual(sums('day', 'user'), [
    ['2026-01-31 alice', 1],
    ['2026-02-01 alice', 2],
    ['2026-02-01 bob', 4],
  ])
})

function usage(
  day: string,
  username: string,
  groups: string[],
  labels: DayUsage['labels'],
  workerMs: number,
): DayUsage {
  return { day, username, groups, labels, ...noUsage, workerMs }
}
