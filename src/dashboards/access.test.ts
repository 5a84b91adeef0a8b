import assert from 'node:assert/strict'
import { createServer, type IncomingMessage } from 'node:http'
import { test } from 'node:test'
import {
  clusterName,
  cookieName,
  dashboardKey,
  exchange,
  otherName,
  startBoth,
} from '../../test/support/fake-dashboard.ts'
import { issueSession, sessionLifetimeMs } from './session-token.ts'

const base = `/clusters/${clusterName}`
const page = { accept: 'text/html,*/*', 'sec-fetch-dest': 'document' }
const as = (name: string) => ({ cookie: `${cookieName}=${name}` })
const echo = () => createServer((request, response) => response.end(request.url))

/** Status and, where there is one, the place that the answer leads to or its text. */
async function ask(url: string, headers: Record<string, string> = {}, method = 'GET') {
  const response = await fetch(url, { headers, method, redirect: 'manual' })
  const text = await response.text()
  return { status: response.status, location: response.headers.get('location') ?? '', text }
}

test('nobody in particular: a browser is sent to the login, everything else gets 401', async () => {
  await using both = await startBoth(echo(), { auth: 'login' })
  const sent = await ask(`${both.url}${base}/status?a=1&b=2`, page)
  assert.equal(sent.status, 302)
  const next = encodeURIComponent(`/pre${base}/status?a=1&b=2`)
  assert.equal(sent.location, `/pre/login?next=${next}`)
  const refused = await ask(`${both.url}${base}/status`)
  assert.equal(refused.status, 401)
  assert.match(JSON.parse(refused.text).error, /^Log in to see the dashboard/)
  for (const headers of [
    { ...page, 'sec-fetch-dest': 'image' },
    { ...page, authorization: 'nonsense', 'sec-fetch-dest': 'script' },
  ])
    assert.equal((await ask(`${both.url}${base}/status`, headers)).status, 401)
  assert.equal((await ask(`${both.url}${base}/status`, page, 'POST')).status, 401)
})

test('the owner is given a session of an hour, then a new one', async () => {
  let nowMs = 1_000_000
  await using both = await startBoth(echo(), { auth: 'login', now: () => nowMs })
  const { status, location } = await ask(`${both.url}${base}/status?a=1`, as('alice'))
  assert.equal(status, 302)
  assert.match(location, new RegExp(`^/pre${base}/~s\\.owner\\.[\\w.-]+/status\\?a=1$`))
  const own = both.url + location.slice('/pre'.length)
  assert.deepEqual(await ask(own), { status: 200, location: '', text: '/status?a=1' })
  nowMs += sessionLifetimeMs
  assert.equal((await ask(own)).status, 401)
  assert.equal((await ask(own, as('alice'))).status, 401, 'a script is not redirected')
  const renewed = await ask(own, { ...page, ...as('alice') })
  assert.equal(renewed.status, 302)
  assert.notEqual(renewed.location, location)
  assert.equal((await ask(both.url + renewed.location.slice('/pre'.length))).text, '/status?a=1')
  assert.match((await ask(own, page)).location, /^\/pre\/login\?next=[^~]*$/)
})

test('without a path the browser lands on the root, with its slash', async () => {
  await using both = await startBoth(echo(), { auth: 'login' })
  assert.match((await ask(both.url + base, as('alice'))).location, /\/~s\.owner\.[\w.-]+\/$/)
  await using open = await startBoth(echo())
  assert.equal((await ask(`${open.url}${base}?q`)).location, `/pre${base}/?q`)
})

test('others are refused, administrators go in by a link of their own', async () => {
  const visits: string[] = []
  await using both = await startBoth(echo(), {
    auth: 'login',
    onAdminVisit: (admin, target, { address }) =>
      visits.push(`${admin.name} ${target.clusterName} ${target.username} ${address}`),
  })
  const refused = await ask(`${both.url}${base}/status`, as('bob'))
  assert.equal(refused.status, 403)
  assert.match(refused.text, /User bob lacks permissions/)
  assert.equal((await ask(`${both.url}${base}/status?as=admin`, as('bob'))).status, 403)
  assert.match((await ask(`${both.url}${base}/status`, as('root'))).text, /as=admin/)
  for (const [query, left] of [
    ['?as=admin', ''],
    ['?as=admin&b=1', '?b=1'],
    ['?a=1&as=admin', '?a=1'],
  ]) {
    const { location } = await ask(`${both.url}${base}/status${query}`, { ...page, ...as('root') })
    assert.match(location, /\/~s\.admin\./)
    assert.equal((await ask(both.url + location.slice('/pre'.length))).text, `/status${left}`)
  }
  assert.deepEqual(visits, Array(3).fill(`root ${clusterName} alice 192.0.2.7`))
})

test("an administrator's session is renewed for administrators only", async () => {
  await using both = await startBoth(echo(), { auth: 'login' })
  const old = issueSession(both.target, { visitor: 'admin', login: null }, Buffer.alloc(32, 7), 0)
  const url = `${both.url}${base}/~${old}/status`
  assert.match((await ask(url, { ...page, ...as('root') })).location, /~s\.admin\./)
  assert.equal((await ask(url, { ...page, ...as('bob') })).status, 403)
})

test('a program with the Authorization header is let in at once, but not for a foreign page', async () => {
  await using both = await startBoth(echo(), { auth: 'login' })
  const url = `${both.url}${base}/json/identity.json`
  const header = { authorization: 'user alice' }
  assert.equal((await ask(url, header)).text, '/json/identity.json')
  assert.equal((await ask(url, header, 'POST')).status, 200)
  assert.equal((await ask(url, { authorization: 'user bob' })).status, 403)
  assert.equal((await ask(url, { ...header, 'sec-fetch-site': 'same-origin' })).status, 200)
  assert.equal((await ask(url, { ...header, 'sec-fetch-site': 'cross-site' })).status, 401)
  assert.equal((await ask(url, { ...as('alice'), 'sec-fetch-site': 'cross-site' })).status, 401)
  assert.equal((await ask(url, { ...header, origin: 'http://evil.example' }, 'POST')).status, 401)
  assert.equal((await ask(url, { ...header, origin: new URL(url).origin }, 'POST')).status, 200)
  assert.equal(
    (await ask(url, as('alice'), 'POST')).status,
    401,
    'a cookie opens nothing by itself',
  )
})

test('the key of the cluster opens where links do, and only there', async () => {
  await using linked = await startBoth(echo(), { auth: 'link' })
  assert.equal((await ask(`${linked.url}${base}/~${dashboardKey}/status`)).text, '/status')
  assert.equal((await ask(`${linked.url}${base}/~${dashboardKey}0/status`)).status, 401)
  assert.equal((await ask(`${linked.url}${base}/~/status`)).status, 401)
  assert.equal((await ask(`${linked.url}${base}/status`)).status, 401)
  await using login = await startBoth(echo(), { auth: 'login' })
  assert.equal((await ask(`${login.url}${base}/~${dashboardKey}/status`)).status, 401)
})

test('unknown clusters, odd paths and clusters without a dashboard', async () => {
  await using both = await startBoth(echo(), {
    findDashboard: (name) =>
      name === clusterName ? { clusterName, username: 'a', address: null, key: 'k' } : null,
  })
  assert.equal((await ask(`${both.url}/clusters/${otherName}/status`, page)).status, 404)
  assert.equal((await ask(`${both.url}/clusters/%2e%2e/status`)).status, 404)
  assert.match((await ask(`${both.url}${base}/status`)).text, /has no dashboard now/)
})

test('an authenticator that cannot tell is not the visitor fault', async () => {
  await using both = await startBoth(echo(), {
    auth: 'login',
    authenticate: () => Promise.reject(new Error('a secret')),
  })
  const { status, text } = await ask(`${both.url}${base}/status`, page)
  assert.equal(status, 500)
  assert.ok(!text.includes('a secret'))
})

test('with a host of their own, dashboards are sent there, and logins back', async () => {
  await using both = await startBoth(echo(), {
    auth: 'login',
    dashboardHost: 'dash.example',
    publicUrl: 'https://gateway.example/pre',
  })
  const { location } = await ask(`${both.url}${base}/status`, as('alice'))
  const { port } = new URL(both.url)
  assert.match(location, new RegExp(`^http://dash\\.example:${port}/pre${base}/~s\\.owner\\.`))
  const answer = await exchange(
    both.url,
    `GET ${base}/~over/status HTTP/1.1\r\nHost: dash.example:8443\r\nAccept: text/html\r\nConnection: close\r\n\r\n`,
  )
  const next = encodeURIComponent(`/pre${base}/status`)
  assert.match(answer, /^HTTP\/1\.1 302 /)
  assert.ok(answer.includes(`Location: https://gateway.example/pre/login?next=${next}\r\n`))
})

test('what opens a dashboard does not get into the log, even by a fault', async () => {
  const logged: string[] = []
  const note = (message: string, fields?: object) =>
    void logged.push(`${message} ${JSON.stringify(fields)}`)
  const logger = { debug: note, info: note, warn: note, error: note, with: () => logger }
  const authenticate = async () => {
    throw new TypeError('a fault')
  }
  await using both = await startBoth(echo(), { auth: 'login', authenticate, logger })
  const { status } = await ask(`${both.url}${base}/~s.owner.old.code/status`, page)
  assert.equal(status, 500)
  assert.equal(logged.length, 1)
  assert.match(logged[0] ?? '', new RegExp(`failed .*${base}/~REDACTED/status`))
})

test('a session ends with the login that it came from', async () => {
  const open = new Set(['alice-laptop', 'alice-phone'])
  const pass = (login: string) => login.padEnd(43, '_')
  const logins = {
    of: (request: IncomingMessage) => pass(String(request.headers['x-login'])),
    isOpen: (login: string) => open.has(login.replace(/_+$/, '')),
  }
  await using both = await startBoth(echo(), { auth: 'login', logins })
  const enter = async (login: string) => {
    const headers = { ...page, ...as('alice'), 'x-login': login }
    const { location } = await ask(`${both.url}${base}/status`, headers)
    return both.url + location.slice('/pre'.length)
  }
  const laptop = await enter('alice-laptop')
  const phone = await enter('alice-phone')
  assert.notEqual(laptop, phone)
  assert.equal((await ask(laptop)).status, 200)
  open.delete('alice-laptop')
  assert.equal((await ask(laptop)).status, 401)
  assert.match((await ask(laptop, page)).location, /^\/pre\/login\?next=[^~]*$/)
  assert.equal((await ask(phone)).status, 200)
})
