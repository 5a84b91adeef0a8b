import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { type ProcessRecord, readProcess, sameProcess } from '../../util/index.ts'
import { markerText, markerVariable, membersOf, type Survey, surveyor } from './survey.ts'

const process_ = (pid: number, more: Partial<ProcessRecord> = {}): ProcessRecord => ({
  ...{ pid, startTime: 100 + pid, parentPid: 1, sessionId: pid, ended: false },
  ...more,
})
const leader = process_(10)

function survey(processes: readonly ProcessRecord[], marked: { [pid: number]: string }): Survey {
  const markers = Object.entries(marked).map(([pid, attemptId]) => {
    return [Number(pid), { instanceId: 'i', attemptId, clusterName: 'c' }] as const
  })
  const owned = processes.filter((each) => !each.ended)
  return { processes, owned, markers: new Map(markers) }
}
const pids = (members: readonly ProcessRecord[]) => members.map((each) => each.pid).sort()

test('a session, its descendants and those with the marker are members', () => {
  const processes = [
    leader,
    process_(11, { sessionId: 10 }),
    process_(12, { parentPid: 11 }),
    process_(13, { parentPid: 12 }),
    process_(14),
    process_(15),
    process_(16, { parentPid: 15 }),
  ]
  assert.deepEqual(
    pids(membersOf(survey(processes, { 14: 'mine', 15: 'another' }), 'mine', leader)),
    [10, 11, 12, 13, 14],
  )
})

test('an ended first process still holds its session, and is itself no member', () => {
  const processes = [{ ...leader, ended: true }, process_(11, { sessionId: 10 })]
  assert.deepEqual(pids(membersOf(survey(processes, {}), 'mine', leader)), [11])
})

test("a session whose number may have become another's is left alone", () => {
  const reused = process_(10, { startTime: 999 })
  const inReused = process_(11, { sessionId: 10 })
  assert.deepEqual(membersOf(survey([reused, inReused], {}), 'mine', leader), [])
  assert.deepEqual(membersOf(survey([inReused], {}), 'mine', leader), [])
})

test('what was a member stays one, and a marker older than the attempt counts for nothing', () => {
  const escaped = process_(20)
  const older = process_(5)
  const seen = survey([escaped, older], { 5: 'mine' })
  assert.deepEqual(pids(membersOf(seen, 'mine', leader, [escaped])), [20])
  assert.deepEqual(membersOf(seen, 'mine', leader, [{ ...escaped, startTime: 1 }]), [])
})

test('a survey sees real processes and the markers of its own instance only', async () => {
  const marker = { instanceId: 'ours', attemptId: 'a1', clusterName: 'c1' }
  const children = [marker, { ...marker, instanceId: 'theirs' }].map((each) =>
    spawn('sleep', ['60'], { env: { ...process.env, [markerVariable]: markerText(each) } }),
  )
  await Promise.all(children.map((child) => once(child, 'spawn')))
  const [ours = 0, theirs = 0] = children.map((child) => child.pid ?? 0)
  const take = surveyor('ours', process.getuid?.() ?? 0)
  const [first, second] = await Promise.all([take(), take()])
  assert.equal(first, second, 'those that are asked for together are one')
  assert.deepEqual(first.markers.get(ours), marker)
  assert.equal(first.markers.get(theirs), undefined)
  const own = readProcess(ours)
  assert.ok(own !== null && first.owned.some((each) => sameProcess(each, own)))
  for (const child of children) child.kill('SIGKILL')
  await Promise.all(children.map((child) => once(child, 'exit')))
  assert.equal((await take()).markers.get(ours), undefined)
})
