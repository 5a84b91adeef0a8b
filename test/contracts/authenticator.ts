import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Authenticator } from '../../src/core/index.ts'

/** What an authenticator is tested with: headers that must pass and ones that must not. */
export interface AuthenticatorCase {
  readonly create: () => Authenticator
  /** A header that proves this user. */
  readonly good: { readonly authorization: string; readonly username: string }
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

  test(`${name}: accepts what is right and says who it is`, () =>
    withAuthenticator(async (it) => {
      const result = await it.authenticate({ authorization: given.good.authorization, address })
      assert.equal(result.outcome, 'accepted')
      assert.ok(result.outcome === 'accepted')
      assert.equal(result.user.name, given.good.username)
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
      if (it.loginForm === 'none') {
        const result = await it.login('alice', 'secret')
        assert.equal(result.outcome, 'refused')
      }
    }))
}
