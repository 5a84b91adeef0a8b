// Run by pbs-conformance.test.ts, as root, where qsub, qstat and qdel are.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { hostname } from 'node:os'
import { after, test } from 'node:test'
import { type Account, lookUpAccount } from '../../src/backends/account.ts'
import { findLauncher, launcherBySudo } from '../../src/backends/job-queue/launcher-call.ts'
import type { SeenJob } from '../../src/backends/job-queue/seen-job.ts'
import { stagingPath } from '../../src/backends/job-queue/staging.ts'
import { pbsQueue } from '../../src/backends/pbs/pbs-queue.ts'
import type { ClusterSettings } from '../../src/core/index.ts'
import type { PbsJob, Replies, Request, SubmitOutcome, Verb } from '../../src/launcher/index.ts'
import { eventually } from '../contracts/backend.ts'
import { firstUser, queue, secondUser } from '../support/pbs-machine.ts'

const signal = AbortSignal.timeout(900_000)
const limitMs = 180_000
const manager = 'pbs'
const hex = (bytes: number) => randomBytes(bytes).toString('hex')
const instance = hex(16)
const staging = (account: Account) => ({
  root: `${account.home}/.dask-gateway`,
  cluster: hex(16),
})
type Staging = ReturnType<typeof staging>

const call = launcherBySudo(findLauncher(null))
async function ask<V extends Verb>(
  account: Account,
  request: Extract<Request, { verb: V }>,
): Promise<Replies[V]> {
  const reply = await call<V>(account, request, signal)
  assert.ok(reply.ok, JSON.stringify(reply))
  return reply as Replies[V]
}

async function accountOf(name: string): Promise<Account> {
  const account = await lookUpAccount(name, signal)
  assert.ok(!('refused' in account), JSON.stringify(account))
  return account
}
const [first, second] = [await accountOf(firstUser), await accountOf(secondUser)]

interface Submit {
  readonly scripts: readonly string[]
  readonly settings?: { readonly [name: string]: unknown }
  readonly files?: { readonly [name: string]: string }
}

const submitted: { readonly place: Staging; readonly ids: string[] }[] = []
after(async () => {
  const ids = submitted.flatMap((each) => each.ids)
  await cancel(first, ids)
  for (const id of ids) await seen(id, 'ended')
  for (const { place } of submitted) await ask(first, { verb: 'clean', staging: place })
})

/** As the first user, by one call of the launcher. */
async function submit({ scripts, settings = {}, files = {} }: Submit) {
  const place = staging(first)
  const jobs = scripts.map((script, index) =>
    pbsQueue.job({
      role: 'worker',
      settings: {
        ...{ worker_cores: 1, worker_memory: 2 ** 26, use_stagein: false, queue },
        ...settings,
      } as unknown as ClusterSettings,
      base: {
        name: `dg-${instance}-${hex(8)}`,
        script: `#!/bin/bash\n${script}\n`,
        log: `job-${index}.log`,
      },
      ...{ tasks: null, files: Object.keys(files), hostname: hostname() },
    }),
  ) as readonly PbsJob[]
  const request = { verb: 'submit', manager, staging: place, files, jobs } as const
  const { outcomes } = await ask(first, request)
  const ids = outcomes.flatMap((outcome) => idIn(outcome) ?? [])
  submitted.push({ place, ids })
  return { place, jobs, outcomes, ids }
}

function idIn(outcome: SubmitOutcome): string | null {
  if (outcome.outcome !== 'answered' || outcome.returncode !== 0) return null
  const id = pbsQueue.submittedId(outcome.stdout)
  assert.ok(id !== null, outcome.stdout)
  return id
}

/** One job; its id. */
async function submitOne(script: string, more: Omit<Submit, 'scripts'> = {}) {
  const { ids, place, outcomes } = await submit({ scripts: [script], ...more })
  const [id] = ids
  assert.ok(id !== undefined, JSON.stringify(outcomes))
  return { id, place }
}

async function status(account: Account, ids?: readonly string[]) {
  const asked = ids === undefined ? {} : { ids }
  const reply = await ask(account, { verb: 'status', manager, ...asked })
  assert.equal(reply.outcome, 'answered')
  const { returncode: exitCode, stdout, stderr } = reply
  const jobs = pbsQueue.readJobs({ exitCode, stdout, stderr })
  assert.ok(jobs !== null, `${exitCode} ${stderr}`)
  return { jobs, stdout }
}

async function cancel(account: Account, ids: readonly string[]) {
  const { results } = await ask(account, { verb: 'cancel', manager, ids })
  return results.every((result) => {
    assert.equal(result.outcome, 'answered')
    const { returncode: exitCode, stdout, stderr } = result
    return pbsQueue.cancelled({ exitCode, stdout, stderr })
  })
}

/** Waits until the job is in this state. */
function seen(id: string, state: SeenJob['state'], account = first): Promise<SeenJob> {
  return eventually(async () => {
    const job = (await status(account, [id])).jobs.find((each) => each.id === id)
    assert.equal(job?.state, state, JSON.stringify(job))
    return job
  }, limitMs)
}

async function logOf({ place, file = 'job-0.log' }: { place: Staging; file?: string }) {
  const reply = await ask(first, { verb: 'log', staging: place, files: [file], maxBytes: 100_000 })
  const [log] = reply.logs
  return log?.found === true ? Buffer.from(log.base64, 'base64').toString() : null
}

const strangerOf = (id: string) => id.replace(/^\d+/, '9999998')

test('jobs of one call run as their user, under their names, and end with their statuses', async () => {
  const endings = ['exit 0', 'exit 3', 'sleep 600', 'kill -KILL $$']
  const { ids, jobs } = await submit({ scripts: endings.map((end) => `id -un; ${end}`) })
  assert.equal(ids.length, 4)
  const [good = '', bad = '', running = '', killed = ''] = ids
  const runs = await seen(running, 'running')
  assert.deepEqual([runs.name, runs.username], [jobs[2]?.name, firstUser])
  assert.ok(runs.node !== null)
  const { reason, exitCode } = await seen(good, 'ended')
  assert.deepEqual([reason, exitCode], ['exited with status 0', 0])
  assert.equal((await seen(bad, 'ended')).exitCode, 3)
  assert.match((await seen(killed, 'ended')).reason ?? '', /signal 9|status 137/)
  const { place } = submitted.at(-1) ?? assert.fail()
  assert.match((await logOf({ place, file: 'job-1.log' })) ?? '', new RegExp(`^${firstUser}$`, 'm'))
})

test('PBS is never to run a job a second time', async () => {
  const { id } = await submitOne('sleep 600')
  const { stdout } = await status(first, [id])
  assert.match(stdout, /"Rerunable":\s*"False"/)
})

test('with a shared directory a log can be read while its job runs, by nobody else', async () => {
  const { id, place } = await submitOne('echo written; echo wrong >&2; sleep 600')
  await seen(id, 'running')
  await eventually(
    async () => assert.match((await logOf({ place })) ?? '', /written\nwrong\n/),
    limitMs,
  )
  assert.equal(statSync(`${stagingPath(place)}/job-0.log`).mode & 0o777, 0o600)
})

test('copies of files are in a directory of the job, private; its log is brought at its end', async () => {
  const script = 'pwd; stat -c "%a %U" . token other; cat token; echo; ls -d "$HOME"/pbs.*'
  const { id, place } = await submitOne(script, {
    ...{ settings: { use_stagein: true }, files: { token: 'of the cluster', other: 'x' } },
  })
  await seen(id, 'ended')
  const log = (await logOf({ place })) ?? ''
  const [directory = '', ...lines] = log.split('\n')
  assert.match(directory, /\/pbs\.\d+\./, log)
  assert.deepEqual(
    lines.slice(0, 4),
    [`700 ${firstUser}`, `600 ${firstUser}`, `600 ${firstUser}`, 'of the cluster'],
    log,
  )
  assert.ok(!existsSync(directory) && !readdirSync(first.home).some((name) => name.includes(id)))
})

test('a job whose files cannot be copied waits, and is cancelled', async () => {
  const place = staging(first)
  const [job] = (await submit({ scripts: ['true'] })).jobs
  assert.ok(job !== undefined)
  const { stageIn: _, ...rest } = job
  const lost = {
    ...rest,
    stageIn: { hostname: hostname(), files: ['missing'] },
    directOutput: false,
  }
  const { outcomes } = await ask(first, {
    verb: 'submit',
    manager,
    staging: place,
    files: {},
    jobs: [lost],
  })
  const id = outcomes[0] === undefined ? null : idIn(outcomes[0])
  assert.ok(id !== null, JSON.stringify(outcomes))
  submitted.push({ place, ids: [id] })
  await eventually(async () => {
    const found = (await status(first, [id])).jobs.find((each) => each.id === id)
    assert.match(found?.reason ?? '', /files could not be copied/)
  }, limitMs)
  assert.ok(await cancel(first, [id]))
  await seen(id, 'ended')
})

test('a job that takes longer than it may is ended, which is no fault of its own', async () => {
  const { id } = await submitOne('sleep 600', { settings: { worker_time_limit: 3 } })
  const job = await seen(id, 'ended')
  assert.deepEqual([job.reason, job.verdict], ['the time limit of the job was over', 'interrupted'])
})

test('what qsub refuses is final, told in its words, and leaves nothing', async () => {
  const refused = async (settings: { readonly [name: string]: unknown }) => {
    const { outcomes, place, ids } = await submit({ scripts: ['true', 'true'], settings })
    assert.deepEqual(ids, [])
    const [answer, rest] = outcomes
    assert.equal(rest?.outcome, 'not-tried')
    assert.ok(answer?.outcome === 'answered', JSON.stringify(answer))
    assert.ok(!existsSync(stagingPath(place)))
    return pbsQueue.refusalOf({ ...answer, exitCode: answer.returncode })
  }
  assert.deepEqual(await refused({ queue: 'no-such-queue' }), {
    ...{ kind: 'final', words: 'Unknown queue' },
  })
  const { kind, words } = await refused({ worker_resource_list: 'select=1:nosuchresource=1' })
  assert.deepEqual([kind, words], ['final', 'Unknown resource: nosuchresource'])
})

test('what can never run is told so, and is cancelled', async () => {
  const { id } = await submitOne('true', { settings: { worker_cores: 99_999 } })
  const job = await eventually(async () => {
    const found = await seen(id, 'pending')
    assert.equal(found.verdict, 'never', JSON.stringify(found))
    return found
  }, limitMs)
  assert.match(job.reason ?? '', /^Can Never Run: .*ncpus/)
  assert.ok(await cancel(first, [id]))
  await seen(id, 'ended')
})

test('a job is cancelled by its owner, as often as one likes, and by nobody else', async () => {
  const { id } = await submitOne('sleep 600')
  await seen(id, 'running')
  assert.equal(await cancel(second, [id]), false)
  assert.equal((await seen(id, 'running')).id, id)
  for (const _ of [1, 2, 3]) assert.ok(await cancel(first, [id]))
  assert.match((await seen(id, 'ended')).reason ?? '', /signal|deleted/)
  assert.ok(await cancel(first, [id, strangerOf(id)]))
})

test('an id that PBS does not know hides no other job', async () => {
  const { id } = await submitOne('sleep 600')
  await seen(id, 'running')
  const { jobs } = await status(first, [strangerOf(id), id, strangerOf(id)])
  assert.deepEqual(
    jobs.map((job) => job.id),
    [id],
  )
})

test('all that have not ended are told of without their ids', async () => {
  const { ids } = await submit({ scripts: ['sleep 600', 'sleep 600', 'true'] })
  const [one = '', two = '', over = ''] = ids
  await seen(over, 'ended')
  const known = (await status(first)).jobs.map(({ id }) => id)
  assert.deepEqual(
    [one, two, over].map((id) => known.includes(id)),
    [true, true, false],
  )
})

test('nobody else is told what is in a script', async () => {
  const secret = hex(16)
  const { id } = await submitOne(`export TOKEN=${secret}; sleep 600`)
  await seen(id, 'running')
  for (const account of [second, first]) {
    const { stdout } = await status(account, [id])
    assert.ok(!stdout.includes(secret), account.name)
  }
})
