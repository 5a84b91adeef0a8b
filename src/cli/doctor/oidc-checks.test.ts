import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { oidcAuthenticatorSettings } from '../../auth/index.ts'
import { type FakeProvider, startFakeProvider } from '../../auth/oidc/fake-provider.fixture.ts'
import type { Configuration } from '../../config/index.ts'
import { type Logger, resolveSettings } from '../../core/index.ts'
import { createCheckup } from './checkup.ts'
import { checkOidc } from './oidc-checks.ts'

const logger: Logger = { debug() {}, info() {}, warn() {}, error() {}, with: () => logger }

async function startProvider(t: TestContext): Promise<FakeProvider> {
  const provider = await startFakeProvider()
  t.after(() => provider.close())
  return provider
}

/** The finding as "result: sentence", and its advice. */
async function found(values: object, name = 'OIDCAuthenticator') {
  const usual = resolveSettings(oidcAuthenticatorSettings, new Map())
  // All of a configuration that this check looks at.
  const configuration = {
    authenticatorClass: { name },
    get: () => ({ ...usual, client_id: 'gateway', ...values }),
  } as unknown as Configuration
  const checkup = createCheckup({ checkMs: 20_000, totalMs: 20_000 })
  await checkOidc(checkup, configuration, logger)
  const [finding] = checkup.findings
  if (finding === undefined) return null
  return { says: `${finding.result}: ${finding.sentence}`, advice: finding.advice ?? '' }
}

test('a provider that says how to log in and out is well', async (t) => {
  const { issuer } = await startProvider(t).then((it) => {
    it.document = { end_session_endpoint: `${it.issuer}/end` }
    return it
  })
  assert.equal((await found({ issuer }))?.says, `ok: ${issuer} says how to log in, and out`)
  assert.equal(await found({ issuer }, 'SimpleAuthenticator'), null)
})

test('one of no logout is told', async (t) => {
  const { issuer } = await startProvider(t)
  const says = `warning: ${issuer} says how to log in, and of no logout`
  assert.equal((await found({ issuer }))?.says, says)
})

test('another issuer, and what that one calls itself', async (t) => {
  const provider = await startProvider(t)
  provider.document = { issuer: 'https://other.example.org' }
  const it = await found({ issuer: provider.issuer })
  assert.match(
    it?.says ?? '',
    /^failed: .* calls itself "https:\/\/other\.example\.org", which is not/,
  )
  assert.match(it?.advice ?? '', /letter for letter/)
})

test('a provider that is away, and files that are missing', async () => {
  const away = await found({ issuer: 'http://127.0.0.1:1' })
  assert.match(away?.says ?? '', /^failed: http:\/\/127\.0\.0\.1:1 does not say .*ECONNREFUSED/)
  const file = { issuer: 'http://127.0.0.1:1', client_secret_file: '/nonexistent' }
  assert.match(
    (await found(file))?.says ?? '',
    /^failed: .*client_secret_file: \/nonexistent cannot be/,
  )
  assert.match((await found({ issuer: null }))?.says ?? '', /^failed: .*issuer is missing/)
})
