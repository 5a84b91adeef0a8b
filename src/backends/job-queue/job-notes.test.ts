import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { Logger, ObjectRef } from '../../core/index.ts'
import { JobNotes } from './job-notes.ts'

const staging = { root: '/s', cluster: 'c' }
const ref: ObjectRef = {
  ...{ clusterName: 'c', username: 'alice', workerName: 'w', attemptId: 'a', createdAt: 0 },
  handle: null,
}
const logger = { debug: () => {} } as unknown as Logger

function notesOf(
  texts: readonly (string | null | Error)[],
  note: string | undefined = 'note-worker',
) {
  let [reads, wakes] = [0, 0]
  const notes = new JobNotes({
    batchOf: () => ({ staging, jobs: [['a', 'b']], ...(note === undefined ? {} : { note }) }),
    read: async () => {
      const text = texts[reads++] ?? null
      if (text instanceof Error) throw text
      return text
    },
    wake: () => void wakes++,
    logger,
  })
  return { notes, told: () => ({ reads, wakes }) }
}

test('a note is read once for all jobs that share it, and its news is told', async () => {
  const { notes, told } = notesOf(['dask-worker does not exist\n\u001b[2Jhello'])
  for (const attemptId of ['a', 'b']) assert.equal(notes.of({ ...ref, attemptId }), null)
  await setImmediate()
  for (const attemptId of ['a', 'b'])
    assert.equal(notes.of({ ...ref, attemptId }), 'worker_cmd: dask-worker does not exist')
  assert.deepEqual(told(), { reads: 1, wakes: 1 })
})

test('one that is not there is looked for a few times', async () => {
  const { notes, told } = notesOf([null, new Error('the launcher is away')])
  for (let look = 0; look < 6; look += 1) {
    assert.equal(notes.of(ref), null)
    await setImmediate()
  }
  assert.deepEqual(told(), { reads: 3, wakes: 0 })
  notes.forget('c')
  notes.of(ref)
  await setImmediate()
  assert.equal(told().reads, 4)
})

test('control characters of its owner are not passed on', async () => {
  const { notes } = notesOf(['\u001b[2J\u202eall\u0000 is well\u0007'])
  notes.of(ref)
  await setImmediate()
  assert.equal(notes.of(ref), 'worker_cmd: [2J all is well')
})

test('jobs that have none are not asked', async () => {
  const parts = { read: async () => assert.fail(), wake: () => assert.fail(), logger }
  for (const batch of [null, { staging, jobs: [['a']] }])
    assert.equal(new JobNotes({ ...parts, batchOf: () => batch }).of(ref), null)
})
