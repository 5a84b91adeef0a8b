import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import { type ClusterChange, GatewayError, linesOf } from '../../client/src/index.ts'
import { root } from '../e2e/harness.ts'
import { waitFor } from '../fakes/wait-for.ts'
import { endAll, endedWithin, password, peopleGateway } from './people.ts'

const it = await peopleGateway()
const gateway = it.clientOf('alice')

function startExample(name: string) {
  const child = spawn(process.execPath, [join(root, 'client/examples', name)], {
    env: { GATEWAY: it.address, NAME: 'alice', PASSWORD: password },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk) => {
      text += chunk
    })
  return { child, text: () => text }
}

test('the examples run as they are: one watches what the other does', async () => {
  const watching = startExample('watch-clusters.ts')
  await waitFor('the first word', () => watching.text().includes('0 clusters'), 30_000)
  const running = startExample('run-cluster.ts')
  const [status] = await once(running.child, 'exit', { signal: AbortSignal.timeout(120_000) })
  assert.equal(status, 0, running.text())
  for (const what of [
    /^cores 1$/m,
    /^PENDING The scheduler/m,
    /^RUNNING/m,
    /^dashboard: http.*\/status$/m,
  ])
    assert.match(running.text(), what)
  assert.match(running.text(), /^two workers are on their way\nlog: .+\nevent: cluster-created/m)
  await waitFor('the end to be told', () => /[0-9a-f]{32} STOPPED/.test(watching.text()), 30_000)
  watching.child.kill('SIGINT')
  await endedWithin(watching.child, 10_000)
  assert.match(watching.text(), /RUNNING\n[\s\S]*STOPPED\ndone\n$/)
})

test('streams go on over a crash of the gateway by themselves, and nothing is missed or told twice', async () => {
  const name = await gateway.create({})
  await gateway.waitUntilRunning(name, { signal: AbortSignal.timeout(60_000) })
  const interruptions: (string | null)[] = []
  const changes: ClusterChange[] = []
  const ids: number[] = []
  let log = ''
  const stop = new AbortController()
  const options = {
    signal: stop.signal,
    onInterruption: (error: GatewayError | null) => interruptions.push(error?.code ?? null),
  }
  const untilStopped = (work: Promise<void>) =>
    work.catch((error: unknown) => {
      if (!stop.signal.aborted) throw error
    })
  const all = [
    (async () => {
      for await (const change of gateway.watch(options)) changes.push(change)
    })(),
    (async () => {
      for await (const { id } of gateway.followEvents(name, 0, options)) ids.push(id)
    })(),
    (async () => {
      for await (const line of linesOf(gateway.followLogs(name, {}, options))) log += `${line}\n`
    })(),
  ].map(untilStopped)
  await waitFor('all streams', () => changes.length > 0 && ids.length > 2 && log !== '', 30_000)
  await it.kill()
  await waitFor(
    'all to notice',
    () => interruptions.filter((each) => each !== null).length >= 3,
    30_000,
  )
  await it.start()
  await waitFor(
    'all to be back',
    () => interruptions.filter((each) => each === null).length === 3,
    60_000,
  )
  await gateway.stop(name)
  await gateway.waitUntilEnded(name, { signal: AbortSignal.timeout(60_000) })
  await all[1]
  await all[2]
  const told = () =>
    changes.some((each) => each.type === 'cluster' && each.cluster.status === 'STOPPED')
  await waitFor('the end', told, 30_000)
  stop.abort()
  await all[0]
  const events = await gateway.events(name)
  assert.deepEqual(
    ids,
    events.map(({ id }) => id),
  )
  const whole = await gateway.logs(name, { tail: 10_000 })
  assert.equal(log, whole.endsWith('\n') ? whole : `${whole}\n`)
  assert.match(log, /Scheduler at:/)
})

test('errors have codes, waits end with their signal, and one who waits is told why a cluster ends', async () => {
  const stranger = it.clientOf('mallory')
  const name = await gateway.create({})
  await assert.rejects(stranger.cluster(name), { code: 'forbidden', status: 403 })
  await assert.rejects(stranger.stop(name), { code: 'forbidden' })
  await assert.rejects(stranger.admin.health(), { code: 'forbidden' })
  await assert.rejects(gateway.cluster('nothing'), { code: 'not-found', status: 404 })
  await assert.rejects(gateway.create({ cores: 99 }), { code: 'invalid', status: 422 })
  await assert.rejects(gateway.scale(name, 1.5), { code: 'invalid' })
  await assert.rejects(gateway.waitUntilEnded(name, { signal: AbortSignal.timeout(300) }), {
    name: 'TimeoutError',
  })
  const waiting = gateway.waitUntilRunning(name, { signal: AbortSignal.timeout(60_000) })
  await gateway.stop(name)
  await waiting.then(
    ({ status }) => assert.equal(status, 'RUNNING'),
    (error: unknown) => {
      assert.ok(error instanceof GatewayError)
      assert.equal(error.code, 'conflict')
      assert.match(error.message, /will not run: Stopped by alice/)
    },
  )
  await assert.rejects(gateway.scale(name, 1), { code: 'conflict', status: 409 })
})

test('two people act on one cluster: each sees what the other does, and both may stop it', async () => {
  const boss = it.clientOf('boss')
  const name = await gateway.create({})
  const ofOwner: string[] = []
  const ofBoss: string[] = []
  const following = Promise.all([
    (async () => {
      for await (const { kind } of gateway.followEvents(name)) ofOwner.push(kind)
    })(),
    (async () => {
      for await (const { kind } of boss.admin.followClusterEvents(name)) ofBoss.push(kind)
    })(),
  ])
  await gateway.waitUntilRunning(name, { signal: AbortSignal.timeout(60_000) })
  await Promise.all([
    gateway.scale(name, 2),
    gateway.scale(name, 1),
    gateway.adapt(name, { minimum: 0, maximum: 2 }),
  ])
  await Promise.all([gateway.stop(name), boss.admin.stop(name), gateway.stop(name)])
  await following
  assert.deepEqual(ofOwner, ofBoss)
  assert.equal(ofOwner.filter((kind) => kind === 'stop-requested').length, 1)
  const { reason } = await gateway.cluster(name)
  assert.match(reason ?? '', /^Stopped by (alice|the administrator boss)$/)
})

test('names of 255 characters and of emoji, and texts with all that a terminal obeys, come through unharmed', async () => {
  for (const username of ['n'.repeat(255), '😀🐟', 'Zoë Müller/../%2f']) {
    const person = it.clientOf(username)
    assert.equal((await person.user()).name, username)
    const note = '\x1b[2J\u202e<script>alert(1)</script>'
    const name = await person.create({ note })
    const cluster = await person.cluster(name)
    assert.deepEqual([cluster.username, cluster.options.note], [username, note])
    const { clusters } = await it.clientOf('boss').admin.clusters({ user: username })
    assert.deepEqual(
      clusters.map((each) => each.name),
      [name],
    )
    await person.stop(name)
  }
  await assert.rejects(it.clientOf('n'.repeat(256)).user(), { code: 'unauthenticated' })
  // What is not seen could make two names look as one: joined emoji have such characters.
  for (const username of ['new\nline', '👩\u200d🔬', 'a\u202eb'])
    await assert.rejects(it.clientOf(username).user(), { code: 'unauthenticated' })
  await endAll(it.clientOf('boss'))
})
