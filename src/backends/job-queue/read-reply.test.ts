import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Replies, Verb } from '../../launcher/index.ts'
import { readReply } from './read-reply.ts'

const answered = { outcome: 'answered', returncode: 1, stdout: 'a', stderr: 'b' } as const
const unknown = { outcome: 'unknown', error: 'was killed' } as const
const usable = { usable: true, path: '/usr/bin/sbatch' } as const
const commands = { submit: usable, cancel: usable, status: { usable: false, error: 'no' } } as const

const good: { readonly [V in Verb]: readonly Replies[V][] } = {
  version: [
    { ok: true, version: '1', user: 'alice', uid: 1000, home: '/home/alice', limited: false },
    {
      ...{ ok: true, version: '1', user: 'alice', uid: 1000, home: '/home/alice', limited: true },
      ...{ commands, stagingRoot: usable },
    },
  ],
  submit: [
    { ok: true, directory: '/d', outcomes: [answered, unknown, { outcome: 'not-tried' }] },
    { ok: true, directory: '/d', outcomes: [], remains: 'x' },
  ],
  cancel: [
    {
      ok: true,
      results: [
        { ids: ['1_2'], ...answered },
        { ids: [], ...unknown },
      ],
    },
  ],
  status: [
    { ok: true, cut: false, ...answered },
    { ok: true, cut: true, ...unknown },
  ],
  log: [
    { ok: true, logs: [{ found: false }] },
    { ok: true, logs: [{ found: true, sizeBytes: 3, base64: 'YWJj' }, { found: false }] },
  ],
  clean: [{ ok: true, removed: true }],
  claim: [{ ok: true, claims: { a: 'made', b: 'exists' } }],
}
const verbs = Object.keys(good) as Verb[]

test('a reply is read whole, and as one to its verb only', () => {
  const failure = { ok: false, code: 'staging', error: 'x' }
  for (const verb of verbs)
    for (const reply of [...good[verb], failure])
      assert.deepEqual(readReply(verb, `${JSON.stringify(reply)}\n`), reply, verb)
  for (const text of [
    '',
    'sudo: hello',
    'null',
    '[]',
    '{}',
    '{"ok":true}',
    '{"ok":false,"code":"x"}',
  ])
    for (const verb of verbs) assert.equal(readReply(verb, text), null, `${verb} ${text}`)
})

test('what the user has put in the place of a member is no reply', () => {
  for (const verb of verbs)
    for (const reply of good[verb])
      for (const [name, value] of Object.entries(reply)) {
        const other = typeof value === 'string' ? { length: 1 } : 'x'
        if (readReply(verb, JSON.stringify({ ...reply, [name]: other })) !== null)
          assert.fail(`${verb}: ${name}`)
      }
  const long = { found: true, sizeBytes: 1, base64: 'a'.repeat(23_000_000) }
  assert.equal(readReply('log', JSON.stringify({ ok: true, logs: [long] })), null)
  assert.equal(readReply('log', JSON.stringify({ ok: true, logs: [] })), null)
})
