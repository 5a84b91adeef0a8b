import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { type Logger, resolveSettings } from '../../core/index.ts'
import { jupyterhubAuthenticatorSettings } from '../settings.ts'
import { startFakeHub } from './fake-hub.fixture.ts'
import { createJupyterHubAuthenticator } from './jupyterhub-authenticator.ts'

const attempt = {
  callbackUrl: 'https://gateway.test/dask/oauth_callback',
  state: 'the.state',
  secret: 'ab'.repeat(32),
}
const alice = { kind: 'user', name: 'alice', scopes: ['access:services!service=dask'] }

async function start(t: TestContext, more: { readonly [name: string]: string } = {}) {
  const hub = await startFakeHub()
  t.after(() => hub.close())
  const lines: string[] = []
  const log = (message: string, fields?: object) =>
    void lines.push(`${message} ${JSON.stringify(fields)}`)
  const logger: Logger = { debug: log, info: log, warn: log, error: log, with: () => logger }
  const authenticator = createJupyterHubAuthenticator(
    resolveSettings(jupyterhubAuthenticatorSettings, new Map()),
    {
      environment: {
        JUPYTERHUB_API_URL: hub.apiUrl,
        JUPYTERHUB_API_TOKEN: 'the-secret',
        JUPYTERHUB_SERVICE_NAME: 'dask',
        JUPYTERHUB_CLIENT_ID: 'service-dask',
        ...more,
      },
      logger,
    },
  )
  await authenticator.start()
  t.after(() => authenticator.stop())
  const { login } = authenticator
  assert.ok(login?.form === 'redirect')
  const finish = (query: string) => login.finish(attempt, new URLSearchParams(query))
  return { hub, login, finish, lines }
}

test('a login begins at the hub, with PKCE, and ends with the bearer of the token that the code gave', async (t) => {
  const { hub, login, finish, lines } = await start(t)
  const url = new URL(await login.begin(attempt))
  assert.equal(`${url.origin}${url.pathname}`, `${hub.apiUrl}/oauth2/authorize`)
  assert.deepEqual(Object.fromEntries(url.searchParams), {
    client_id: 'service-dask',
    redirect_uri: attempt.callbackUrl,
    response_type: 'code',
    state: attempt.state,
    code_challenge: createHash('sha256').update(attempt.secret).digest('base64url'),
    code_challenge_method: 'S256',
  })
  hub.answers(({ method }, response) =>
    response.end(JSON.stringify(method === 'POST' ? { access_token: 'users-token' } : alice)),
  )
  const user = { name: 'alice', groups: [], admin: false }
  assert.deepEqual(await finish('code=the-code&state=x'), { outcome: 'accepted', user })
  const [exchange, question] = hub.questions
  assert.equal(exchange?.path, '/base/hub/api/oauth2/token')
  assert.deepEqual(Object.fromEntries(new URLSearchParams(exchange?.body)), {
    grant_type: 'authorization_code',
    code: 'the-code',
    redirect_uri: attempt.callbackUrl,
    client_id: 'service-dask',
    client_secret: 'the-secret',
    code_verifier: attempt.secret,
  })
  assert.equal(question?.authorization, 'token users-token')
  assert.deepEqual(lines, [])
})

test('the address of the hub and of the callback are as configured', async (t) => {
  const { login } = await start(t, {
    JUPYTERHUB_PUBLIC_HUB_URL: 'https://hub.example.org/hub/',
    JUPYTERHUB_OAUTH_CALLBACK_URL: 'https://dask.example.org/oauth_callback',
  })
  const url = new URL(await login.begin(attempt))
  assert.equal(`${url.origin}${url.pathname}`, 'https://hub.example.org/hub/api/oauth2/authorize')
  assert.equal(url.searchParams.get('redirect_uri'), 'https://dask.example.org/oauth_callback')
})

test('a token without the scope logs nobody in', async (t) => {
  const { hub, finish } = await start(t)
  hub.answers(({ method }, response) =>
    response.end(
      JSON.stringify(method === 'POST' ? { access_token: 'x' } : { ...alice, scopes: [] }),
    ),
  )
  assert.equal((await finish('code=x')).outcome, 'refused')
})

for (const [query, reason] of [
  ['error=access_denied', 'JupyterHub did not let you in (access_denied)'],
  ['error=%3Cscript%3E', 'JupyterHub did not let you in (an unknown error)'],
  ['', 'JupyterHub did not let you in (no code)'],
  ['code=%0d%0a', 'JupyterHub did not let you in (no code)'],
] as const) {
  test(`?${query} is refused without a question`, async (t) => {
    const { hub, finish } = await start(t)
    assert.deepEqual(await finish(query), { outcome: 'refused', reason })
    assert.deepEqual(hub.questions, [])
  })
}

test('a code that the hub does not take is refused', async (t) => {
  const { hub, finish } = await start(t)
  hub.says(400, { error: 'invalid_grant' })
  const reason = 'JupyterHub did not let you in (invalid_grant)'
  assert.deepEqual(await finish('code=old'), { outcome: 'refused', reason })
})

for (const [status, body] of [
  [401, { error: 'invalid_client' }],
  [500, 'the-secret'],
  [200, 'access_token=the-secret'],
  [200, { access_token: 'the-secret\n' }],
  [302, ''],
] as const) {
  test(`${status} ${JSON.stringify(body)} is a failure, said without a secret`, async (t) => {
    const { hub, finish, lines } = await start(t)
    hub.says(status, body)
    await assert.rejects(finish('code=the-code'), { code: 'upstream' })
    assert.equal(lines.length, 1)
    assert.doesNotMatch(lines.join(), /the-secret|the-code/)
  })
}
