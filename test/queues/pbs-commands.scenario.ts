// Run by pbs-commands.test.ts on a machine with test/fakes/pbs-commands.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { afterEach, test } from 'node:test'
import {
  type Answer,
  type Attributes,
  recorded,
  recordedJob,
} from '../fakes/pbs-commands/recorded.ts'
import { place, writeSettings } from '../fakes/pbs-commands/settings.ts'
import { waitFor } from '../fakes/wait-for.ts'

const limitMs = 30_000

interface Call {
  readonly user: string
  readonly cmd: readonly string[]
  readonly stdin?: string | null
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

function run({ user, cmd, stdin = null, env = {}, cwd = '/tmp' }: Call): Answer {
  const as = ['--reuid', user, '--regid', user, '--init-groups', '--reset-env', 'env', '-i']
  const names = Object.entries(env).map(([name, value]) => `${name}=${value}`)
  const PATH = env.PATH ?? '/opt/pbs/bin:/usr/bin:/bin'
  const argv = [...as, '--chdir', cwd, ...names, `PATH=${PATH}`, ...cmd]
  const { status, stdout, stderr } = spawnSync('setpriv', argv, {
    ...{ input: stdin ?? '', encoding: 'utf8', timeout: limitMs },
  })
  return { returncode: status ?? -1, stdout, stderr }
}

/** The recorded call, with another id in place of the recorded one. */
function callAs(name: string, words: Readonly<Record<string, string>> = {}): Call {
  const { user, cmd, stdin, env } = recorded(name)
  return { user, cmd: cmd.map((word) => words[word] ?? word), stdin, env }
}

const submit = (call: Call) => {
  const { returncode, stdout, stderr } = run(call)
  assert.deepEqual([returncode, stderr], [0, ''])
  return stdout.trim()
}

const jobOf = (id: string): Attributes | undefined => {
  const { stdout } = run({ user: 'root', cmd: ['qstat', '-f', '-F', 'json', '-x', id] })
  return (JSON.parse(stdout) as { Jobs?: Record<string, Attributes> }).Jobs?.[id]
}

const submitted: string[] = []
afterEach(() => {
  rmSync(`${place}/down`, { force: true })
  writeSettings()
  for (const id of submitted.splice(0)) run({ user: 'root', cmd: ['qdel', id] })
})

/** What differs from run to run: ids, times, process ids, what was used. */
function masked(text: string, id: string): string {
  const number = Number.parseInt(id, 10)
  return text
    .replaceAll(new RegExp(`(?<![0-9])${number}\\.pbs`, 'g'), 'ID.pbs')
    .replaceAll(new RegExp(`\\.([eo])${number}"`, 'g'), '.$1ID"')
    .replaceAll(/\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}/g, 'DATE')
    .replaceAll(/\w{3} \w{3} [ \d]\d at \d\d:\d\d/g, 'DATE')
    .replaceAll(/("(?:session_id|timestamp|history_timestamp)":\s*)\d+/g, '$10')
    .replaceAll(/"pbs\/\d+"/g, '"pbs/SLOT"')
    .replaceAll(
      /("(?:cput|mem|vmem|walltime)":\s*)"\d[\w:]*"(?=[^}]*\},?\s*"job_state")/g,
      '$1"USED"',
    )
}

const refusals = [
  ...['qsub-err-queue', 'qsub-err-resource', 'qsub-err-syntax', 'qsub-err-option'],
  ...['qsub-err-root', 'qsub-err-envmissing', 'array-norerun-refused', 'array-size1'],
  ...['queue-disabled', 'queue-acl', 'queue-max-ncpus', 'queue-max-walltime'],
  ...['qdel-unknown', 'qstat-json-unknown'],
]
for (const name of refusals)
  test(`${name}: the same words, the same status`, () => {
    const { returncode, stdout, stderr } = recorded(name)
    const answer = run(callAs(name))
    assert.deepEqual([answer.returncode, answer.stderr], [returncode, stderr])
    assert.equal(masked(answer.stdout, '0.pbs'), masked(stdout, '0.pbs'))
  })

for (const name of ['down-qsub', 'down-qstat', 'down-qdel'])
  test(`${name}: the same words, the same status`, () => {
    writeFileSync(`${place}/down`, '')
    const { returncode, stdout, stderr } = recorded(name)
    const answer = run(callAs(name))
    assert.deepEqual([answer.returncode, answer.stderr], [returncode, stderr])
    assert.equal(masked(answer.stdout, ''), masked(stdout, ''))
  })

/** Told of as in the recorded answer, once it is in the same state. */
const jobs: readonly [call: string, answer: string, id: string][] = [
  ['qsub-peer', 'qstat-json', '0.pbs'],
  ['qsub-run', 'qstat-json', '1.pbs'],
  ['qsub-hold', 'qstat-json', '2.pbs'],
  ['qsub-toobig', 'qstat-json', '3.pbs'],
  ['qsub-toobigmem', 'qstat-json', '4.pbs'],
  ['qsub-exit3', 'qstat-json-after', '5.pbs'],
  ['qsub-ok0', 'qstat-json-after', '6.pbs'],
  ['qsub-kill9', 'qstat-json-after', '7.pbs'],
  ['qsub-stdin', 'qstat-json', '8.pbs'],
  ['qsub-walltime', 'qstat-json', '9.pbs'],
  ['qsub-walltime', 'qstat-json-after', '9.pbs'],
  ['qsub-err-empty', 'qstat-json-after', '14.pbs'],
  ['qsub-err-nosuchprog', 'qstat-json-after', '16.pbs'],
]
for (const [call, answer, id] of jobs)
  test(`${call} is told of as in ${answer}`, async () => {
    // What the first of them stages in.
    mkdirSync('/home/alice/.dask-gateway/p1', { recursive: true })
    writeFileSync('/home/alice/.dask-gateway/p1/file', '')
    const own = submit(callAs(call))
    submitted.push(own)
    await isAs(own, recordedJob(answer, id), id)
  })

async function isAs(own: string, expected: Attributes, id: string): Promise<void> {
  const { job_state, substate } = expected
  await waitFor(
    `the job to be in state ${job_state}`,
    () => jobOf(own)?.substate === substate,
    limitMs,
  )
  const text = (job: Attributes | undefined, as: string) => masked(JSON.stringify(job, null, 1), as)
  assert.equal(text(jobOf(own), own), text(expected, id))
}

test('deleted jobs are told of as deleted, by how far they had come', async () => {
  for (const [call, id] of [
    ['qsub-peer', '0.pbs'],
    ['qsub-hold', '2.pbs'],
    ['qsub-toobigmem', '4.pbs'],
  ] as const) {
    const own = submit(callAs(call))
    await waitFor(
      'the job to run, or not',
      () => [42, 20].includes(Number(jobOf(own)?.substate)) || jobOf(own)?.comment !== undefined,
      limitMs,
    )
    assert.deepEqual(run(callAs('qdel-queued', { '4.pbs': own })), {
      returncode: 0,
      stdout: '',
      stderr: '',
    })
    await isAs(own, recordedJob('qstat-json-after', id), id)
  }
})

test('files that cannot be staged in make a job wait', async () => {
  const expected = recordedJob('stagein-failed-state', '123.pbs')
  const env = { HOME: '/home/alice', LANG: 'C.UTF-8', LOGNAME: 'alice', SHELL: '/bin/bash' }
  const { PBS_O_PATH } = expected.Variable_List as { PBS_O_PATH: string }
  const own = submit({
    ...{ user: 'alice', cwd: '/home/alice', env: { ...env, PATH: PBS_O_PATH } },
    cmd: ['qsub', ...String(expected.Submit_arguments).split(' ')],
  })
  submitted.push(own)
  await isAs(own, expected, '123.pbs')
})

test('the text of an answer is laid out as recorded', async () => {
  const own = submit(callAs('qsub-peer'))
  submitted.push(own)
  await waitFor('it to run', () => jobOf(own)?.substate === 42, limitMs)
  const { stdout } = recorded('qstat-json-alice')
  assert.equal(
    masked(run(callAs('qstat-json-alice', { '0.pbs': own })).stdout, own),
    masked(stdout, '0.pbs'),
  )
})

test('an unknown job among others, a finished one, and those of others', async () => {
  const own = submit(callAs('qsub-run'))
  submitted.push(own)
  const mixed = run(callAs('qstat-json-unknown-mixed', { '1.pbs': own }))
  const expected = recorded('qstat-json-unknown-mixed')
  assert.deepEqual([mixed.returncode, mixed.stderr], [expected.returncode, expected.stderr])
  assert.deepEqual(Object.keys(JSON.parse(mixed.stdout).Jobs), [own])
  const ended = submit(callAs('qsub-ok0'))
  await waitFor('its end', () => jobOf(ended)?.job_state === 'F', limitMs)
  for (const [name, id, instead] of [
    ['qdel-other', '1.pbs', own],
    ['qdel-finished', '1.pbs', ended],
    ['s2-qstat-bob-token', '0.pbs', ended],
  ] as const) {
    const call = callAs(name, { [id]: instead })
    const cmd = name === 's2-qstat-bob-token' ? ['qstat', '-f', '-F', 'json', ended] : call.cmd
    const { returncode, stderr } = run({ ...call, cmd })
    const { returncode: status, stderr: words } = recorded(name)
    assert.deepEqual([returncode, stderr], [status, words.replace(id, instead)], name)
  }
  assert.equal(run(callAs('qdel-operator', { '8.pbs': own })).returncode, 0)
})

test('a limit of jobs of a user', () => {
  writeSettings({ jobsPerUser: 1 })
  submitted.push(submit(callAs('maxq1')))
  const { returncode, stdout, stderr } = recorded('maxq3')
  assert.deepEqual(run(callAs('maxq3')), { returncode, stdout, stderr })
})

test('a limit of running jobs of a user', async () => {
  writeSettings({ runningPerUser: 0 })
  const own = submit(callAs('maxq1'))
  submitted.push(own)
  await waitFor('its comment', () => jobOf(own)?.comment !== undefined, limitMs)
  await isAs(own, recordedJob('maxq-state', '97.pbs'), '97.pbs')
})

test('without history, and where jobs are private', async () => {
  const own = submit(callAs('qsub-run'))
  submitted.push(own)
  writeSettings({ history: false, queryOtherJobs: false })
  const cases = [
    ['nohistory-qstat-json', '91.pbs'],
    ['noquery-bob', '92.pbs'],
  ] as const
  for (const [name, id] of cases) {
    const { returncode, stdout, stderr } = run(callAs(name, { [id]: own }))
    const expected = recorded(name)
    assert.deepEqual([returncode, stderr], [expected.returncode, expected.stderr.replace(id, own)])
    assert.equal(masked(stdout, own), masked(expected.stdout, id))
  }
  const seen = run({ user: 'dask', cmd: ['qstat', '-f', '-F', 'json', own] })
  assert.deepEqual(Object.keys(JSON.parse(seen.stdout).Jobs), [own])
})
