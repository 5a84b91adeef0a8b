import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { Agent, type ClientRequest, request } from 'node:http'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { ask } from '../e2e/harness.ts'
import { waitFor } from '../fakes/wait-for.ts'
import { homeOf, password, peopleGateway } from './people.ts'

const it = await peopleGateway()
const gateway = it.clientOf('alice')
const boss = it.clientOf('boss')
const basic = (user: string) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`

async function runningCluster(): Promise<string> {
  const name = await gateway.create({})
  await gateway.waitUntilRunning(name, { signal: AbortSignal.timeout(60_000) })
  return name
}

/** Resident memory of a process, in bytes. */
function memoryOf(pid: number): number {
  const [, kib = ''] =
    /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kib) * 1024
}

test('a thousand streams at once: all are told, none holds up the others, and the memory is bounded', async (t) => {
  const name = await runningCluster()
  const before = memoryOf(it.gateway().pid)
  const agent = new Agent({ keepAlive: false, maxSockets: Number.POSITIVE_INFINITY })
  const streams: { readonly asked: ClientRequest; text: string; status: number; fault: string }[] =
    []
  t.after(() => {
    for (const { asked } of streams) asked.destroy()
  })
  const paths = [
    '/api/v1/user/stream',
    `/api/v1/clusters/${name}/events?follow`,
    `/api/v1/clusters/${name}/logs?follow`,
  ]
  function begin(path: string): void {
    const asked = request(`${it.address}${path}`, {
      agent,
      headers: { authorization: basic('alice') },
    })
    const stream = { asked, text: '', status: 0, fault: '' }
    streams.push(stream)
    asked.on('error', (error) => {
      stream.fault = error.message
    })
    asked.on('response', (response) => {
      stream.status = response.statusCode ?? 0
      response.setEncoding('utf8').on('data', (chunk) => {
        stream.text = (stream.text + chunk).slice(-20_000)
      })
      response.on('error', () => {})
    })
    asked.end()
  }
  for (let count = 0; count < 1000; count++) {
    begin(paths[count % paths.length] ?? '')
    if (streams.length % 100 !== 0) continue
    const silent = () => streams.filter(({ text }) => !text.includes('data: '))
    await waitFor('all streams to begin', () => silent().length === 0, 60_000).catch(
      (error: Error) => {
        const states = silent().map(
          ({ asked, status, fault }) => `${asked.path} ${status} ${fault}`,
        )
        throw new Error(`${error.message}: ${states.slice(0, 5).join(', ')} of ${streams.length}`)
      },
    )
  }
  assert.equal((await boss.admin.health()).streams, 1000)

  // The thousand and first of one user is refused in a sentence, and others are served.
  await assert.rejects(gateway.watch().next(), {
    code: 'unavailable',
    message: /Too many event streams/,
  })
  const others = it.clientOf('bob').watch()
  assert.equal((await others.next()).done, false)
  await others.return(undefined)

  const during = memoryOf(it.gateway().pid)
  const perStream = (during - before) / 1000
  t.diagnostic(
    `gateway: ${Math.round(before / 2 ** 20)} MiB before, ${Math.round(during / 2 ** 20)} MiB with 1,000 streams`,
  )
  assert.ok(perStream < 200 * 1024, `${Math.round(perStream / 1024)} KiB a stream`)

  const begunAt = performance.now()
  await gateway.stop(name)
  const hears = streams.filter((_, index) => index % 3 !== 2)
  await waitFor(
    'all to hear of the stop',
    () => hears.every(({ text }) => /stop-requested|STOPPING|STOPPED/.test(text)),
    60_000,
  )
  t.diagnostic(`all heard of a stop within ${Math.round(performance.now() - begunAt)} ms`)
  const ends = streams.filter((_, index) => index % 3 !== 0)
  await waitFor(
    'logs and events to end',
    () => ends.every(({ text }) => text.includes('event: end')),
    90_000,
  )
  for (const { asked } of streams) asked.destroy()
  await waitFor(
    'the gateway to let go of them',
    async () => (await boss.admin.health()).streams === 0,
    30_000,
  )
})

test('whoever does not read holds nothing up and costs little', async (t) => {
  const name = await runningCluster()
  const log = logOf(name)
  const asked = request(`${it.address}/api/v1/clusters/${name}/logs?follow`, {
    headers: { authorization: basic('alice') },
  }).end()
  t.after(() => asked.destroy())
  asked.on('error', () => {})
  const response = await new Promise<import('node:http').IncomingMessage>((resolve) =>
    asked.once('response', resolve),
  )
  response.pause()
  const before = memoryOf(it.gateway().pid)
  await append(log, 'x'.repeat(1023).concat('\n').repeat(1024), 200)
  // Somebody else reads the end of the same log meanwhile.
  assert.match(await gateway.logs(name, { tail: 1 }), /^x{1023}\n$/)
  await gateway.user()
  const grown = memoryOf(it.gateway().pid) - before
  assert.ok(grown < 100 * 2 ** 20, `grew by ${grown} bytes`)
  response.destroy()
  await gateway.stop(name)
})

test('a log of 1 GB and of binary junk is shown from its end, followed, and harms no terminal', async () => {
  const name = await runningCluster()
  const log = logOf(name)
  const file = await open(log, 'r+')
  try {
    const { size } = await file.stat()
    await file.truncate(size + 1_000_000_000)
  } finally {
    await file.close()
  }
  const junk = Buffer.alloc(300_000)
  for (let at = 0; at < junk.length; at++) junk[at] = (at * 7919) % 256
  await append(
    log,
    Buffer.concat([Buffer.from('\n'), junk, Buffer.from('\n\x1b]0;owned\x07 the end \u{1f600}\n')]),
    1,
  )

  const before = memoryOf(it.gateway().pid)
  const begunAt = performance.now()
  assert.equal(await gateway.logs(name, { tail: 1 }), '\x1b]0;owned\x07 the end \u{1f600}\n')
  assert.ok(performance.now() - begunAt < 5000)
  const many = await gateway.logs(name, { tail: 10_000 })
  assert.ok(many.length <= 8 * 2 ** 20)

  const home = homeOf(it.address)
  await home.login('alice')
  const shown = await home.run(['logs', name, '-n', '3'])
  assert.ok(shown.stdout.endsWith('\\x1b]0;owned\\x07 the end \u{1f600}\n'))
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what must not be there
  assert.doesNotMatch(shown.stdout, /[\x00-\x08\x0b-\x1f\x7f-\x9f]/)

  const following = home.start(['logs', '-f', name, '-n', '1'])
  await waitFor('the end of the log', () => following.stdout().includes('the end'), 30_000)
  await append(log, 'one more \u{1f602}\n', 1)
  await waitFor('what was added', () => following.stdout().endsWith('one more \u{1f602}\n'), 30_000)
  following.child.kill('SIGINT')
  assert.equal((await following.ended).status, 130)
  assert.ok(memoryOf(it.gateway().pid) - before < 150 * 2 ** 20)
  await gateway.stop(name)
})

test('no page of another origin can change or read anything, on any route that there is', async () => {
  const { text } = await ask(`${it.address}/api/v1/openapi.json`)
  const { paths } = JSON.parse(text) as { paths: { [path: string]: { [method: string]: unknown } } }
  const login = await ask(`${it.address}/api/v1/user`, {
    headers: { authorization: basic('boss') },
  })
  const cookie = String(login.headers['set-cookie']).split(';')[0] ?? ''
  const name = await runningCluster()
  let changing = 0
  for (const [path, operations] of Object.entries(paths))
    for (const operation of Object.keys(operations)) {
      // What a cluster's own processes call knows no cookie.
      if (!path.startsWith('/api/v1/') || /\/(heartbeat|am)$/.test(path)) continue
      const method = operation.toUpperCase()
      const url = `${it.address}${path.replace('{name}', name)}`
      const from = (headers: { readonly [name: string]: string }) =>
        ask(url, {
          method,
          headers: { cookie, ...headers },
          ...(method === 'POST' || method === 'PUT' ? { body: '{}' } : {}),
        })
      const crossSite = await from({ 'sec-fetch-site': 'cross-site', origin: 'https://evil.test' })
      assert.equal(crossSite.status, 403, `${method} ${path} from another site`)
      const sandboxed = await from({ origin: 'null' })
      assert.equal(sandboxed.status, 403, `${method} ${path} from a dashboard`)
      assert.equal(crossSite.headers['access-control-allow-origin'], undefined)
      if (method === 'GET') continue
      changing++
      for (const foreign of [{ 'sec-fetch-site': 'same-site' }, { origin: 'https://evil.test' }]) {
        const answer = await from(foreign)
        assert.equal(answer.status, 403, `${method} ${path} ${JSON.stringify(foreign)}`)
        assert.equal(JSON.parse(answer.text).code, 'forbidden')
      }
    }
  assert.ok(changing >= 6, `${changing} routes change something`)
  assert.equal((await gateway.cluster(name)).status, 'RUNNING')
  assert.equal((await boss.admin.drain()).draining, false)
  await gateway.stop(name)
})

test('a logout ends the streams of that session', async (t: TestContext) => {
  const form = await ask(`${it.address}/login`)
  const state = /name="state" value="([^"]+)"/.exec(form.text)?.[1] ?? ''
  const nonce = String(form.headers['set-cookie']).split(';')[0] ?? ''
  const entered = await ask(`${it.address}/login`, {
    method: 'POST',
    headers: { cookie: nonce, 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ state, username: 'alice', password, next: '' }).toString(),
  })
  const cookie = [entered.headers['set-cookie']]
    .flat()
    .map((each) => each?.split(';')[0])
    .join('; ')
  const asked = request(`${it.address}/api/v1/user/stream`, { headers: { cookie } }).end()
  t.after(() => asked.destroy())
  let isOver = false
  asked.on('response', (response) => {
    response.resume()
    response.on('end', () => {
      isOver = true
    })
  })
  await waitFor('the stream', async () => (await boss.admin.health()).streams === 1, 30_000)
  await ask(`${it.address}/logout`, { method: 'POST', headers: { cookie } })
  await waitFor('its end', () => isOver, 40_000)
})

function logOf(name: string): string {
  const [found] = globSync(join(it.directory, '**', `dg-*-${name}`, 'logs', 'scheduler.log'))
  assert.ok(found !== undefined, 'the log of the scheduler')
  return found
}

async function append(path: string, bytes: string | Buffer, times: number): Promise<void> {
  const file = await open(path, 'a')
  try {
    for (let count = 0; count < times; count++) await file.appendFile(bytes)
  } finally {
    await file.close()
  }
}
