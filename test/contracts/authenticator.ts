import assert from 'node:assert/strict'
import { test } from 'node:test'
import type {
  Authenticator,
  AuthResult,
  LoginAttempt,
  RedirectLogin,
} from '../../src/core/index.ts'

/** What an authenticator is tested with: headers that must pass and ones that must not. */
export interface AuthenticatorCase {
  readonly create: () => Authenticator
  /** A header that proves this user; null: none does, as programs come with access tokens alone. */
  readonly good: { readonly authorization: string; readonly username: string } | null
  /** Headers of the right kind that prove nobody. */
  readonly bad: readonly string[]
}

/** The suite that every authenticator passes. */
export function testAuthenticator(name: string, given: AuthenticatorCase): void {
  const address = '192.0.2.7'

  async function withAuthenticator(run: (it: Authenticator) => Promise<void>): Promise<void> {
    const authenticator = given.create()
    await authenticator.start()
    try {
      await run(authenticator)
    } finally {
      await authenticator.stop()
    }
  }

  const { good } = given
  if (good !== null)
    test(`${name}: accepts what is right and says who it is`, () =>
      withAuthenticator(async (it) => {
        const result = await it.authenticate({ authorization: good.authorization, address })
        assert.equal(result.outcome, 'accepted')
        assert.ok(result.outcome === 'accepted')
        assert.equal(result.user.name, good.username)
        assert.ok(Array.isArray(result.user.groups))
        assert.equal(typeof result.user.admin, 'boolean')
      }))

  const hostile = [
    null,
    '',
    ' ',
    ':',
    'Basic',
    'Basic ',
    'Negotiate',
    'jupyterhub',
    'token abc',
    'Bearer \u00ff\u00fe',
    `${'x'.repeat(10_000)} y`,
    ...given.bad,
  ]
  for (const authorization of hostile) {
    test(`${name}: refuses ${JSON.stringify(authorization)?.slice(0, 60)} in words`, () =>
      withAuthenticator(async (it) => {
        const result = await it.authenticate({ authorization, address })
        assert.ok(result.outcome === 'refused')
        assert.match(result.reason, /^[\x20-\x7e]{5,200}$/)
      }))
  }

  test(`${name}: names its challenge and its way to log in`, () =>
    withAuthenticator(async (it) => {
      assert.match(it.challenge, /^[A-Za-z]+/)
      if (it.login === null) return
      assert.ok(['password', 'token', 'redirect', 'negotiate'].includes(it.login.form))
      if (it.login.form === 'redirect') await refusesForgedAnswers(it.login)
      const wrong = '\u0000 wrong'
      if (it.login.form === 'token') await refused(it.login.check(wrong))
      if (it.login.form === 'password') await refused(it.login.check('al\nice', wrong))
    }))

  async function refusesForgedAnswers(login: RedirectLogin): Promise<void> {
    const attempt: LoginAttempt = {
      callbackUrl: 'http://gateway.test/oauth_callback',
      state: 'the-state',
      secret: 'ab'.repeat(32),
    }
    const url = new URL(await login.begin(attempt), 'http://gateway.test')
    assert.equal(url.searchParams.get('state'), attempt.state)
    assert.ok(!url.href.includes(attempt.secret), 'the secret is in the URL')
    for (const answer of ['', 'code=', 'error=access_denied', 'error=%0d%0aX', 'code=wrong'])
      await refused(login.finish(attempt, new URLSearchParams(`${answer}&state=${attempt.state}`)))
  }

  async function refused(result: Promise<AuthResult>): Promise<void> {
    const judged = await result
    assert.ok(judged.outcome === 'refused')
    assert.match(judged.reason, /^[\x20-\x7e]{5,200}$/)
  }
}
