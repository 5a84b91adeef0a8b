import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { readProcess, sameProcess } from '../../util/index.ts'
import {
  markerText,
  markerVariable,
  membersOf,
  type OwnedProcess,
  type Survey,
  surveyor,
} from './survey.ts'

const process_ = (pid: number, more: Partial<OwnedProcess> = {}): OwnedProcess => ({
  ...{ pid, startTime: 100 + pid, parentPid: 1, sessionId: pid, ended: false, uid: 1000 },
  ...more,
})
const leader = process_(10)

const survey = (processes: readonly OwnedProcess[]): Survey => ({
  ...{ processes, owned: processes.filter((each) => !each.ended), markers: new Map() },
})
const none = new Set<number>()
const pids = (members: readonly { readonly pid: number }[]) =>
  members.map((each) => each.pid).sort()

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
  assert.deepEqual(pids(membersOf(survey(processes), leader, new Set([14]))), [10, 11, 12, 13, 14])
})

test('an ended supervisor still holds its session, and is itself no member', () => {
  const processes = [{ ...leader, ended: true }, process_(11, { sessionId: 10 })]
  assert.deepEqual(pids(membersOf(survey(processes), leader, none)), [11])
})

test("a session whose number may have become another's is left alone", () => {
  const reused = process_(10, { startTime: 999 })
  const inReused = process_(11, { sessionId: 10 })
  assert.deepEqual(membersOf(survey([reused, inReused]), leader, none), [])
  assert.deepEqual(membersOf(survey([inReused]), leader, none), [])
})

test('what was a member stays one, and a marker older than the attempt counts for nothing', () => {
  const escaped = process_(20)
  const older = process_(5)
  const seen = survey([escaped, older])
  assert.deepEqual(pids(membersOf(seen, leader, new Set([5]), [escaped])), [20])
  assert.deepEqual(membersOf(seen, leader, new Set([5]), [{ ...escaped, startTime: 1 }]), [])
})

test('a survey sees real processes and the markers of its own instance only', async () => {
  const marker = { instanceId: 'ours', attemptId: 'a1', clusterName: 'c1' }
  const children = [marker, { ...marker, instanceId: 'theirs' }].map((each) =>
    spawn('sleep', ['60'], { env: { ...process.env, [markerVariable]: markerText(each) } }),
  )
  await Promise.all(children.map((child) => once(child, 'spawn')))
  const [ours = 0, theirs = 0] = children.map((child) => child.pid ?? 0)
  const take = surveyor('ours')
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
