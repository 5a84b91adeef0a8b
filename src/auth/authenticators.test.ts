import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Logger, resolveSettings } from '../core/index.ts'
import { authenticators, authSettingsClasses } from './index.ts'

const nothingSet = new Map()
const logger: Logger = { debug() {}, info() {}, warn() {}, error() {}, with: () => logger }
const surroundings = { environment: {}, logger }

test('every authenticator is listed under the name of its settings', () => {
  for (const [name, { settings }] of Object.entries(authenticators)) {
    assert.equal(settings.name, name)
    assert.ok(settings.dottedNames.includes(`dask_gateway_server.auth.${name}`))
    assert.ok(authSettingsClasses.includes(settings))
  }
})

test('the simple one is made from its resolved settings', () => {
  const kind = authenticators.SimpleAuthenticator
  assert.ok(kind !== undefined)
  const assigned = new Map([
    ['SimpleAuthenticator', new Map([['password', { value: 'secret', source: 'test' }]])],
  ])
  assert.equal(kind.create(resolveSettings(kind.settings, assigned), surroundings).open, false)
  assert.equal(kind.create(resolveSettings(kind.settings, nothingSet), surroundings).open, true)
})

test('realms and rules of Kerberos are checked when the configuration is read', () => {
  const kind = authenticators.KerberosAuthenticator
  assert.ok(kind !== undefined)
  const withValue = (name: string, value: unknown) =>
    new Map([['KerberosAuthenticator', new Map([[name, { value, source: 'test' }]])]])
  for (const [name, value] of [
    ['realms', []],
    ['realms', ['']],
    ['auth_to_local', ['RULE:[1:$1](']],
    ['auth_to_local', ['RULE:[1:$1](*)']],
  ] as const)
    assert.throws(() => resolveSettings(kind.settings, withValue(name, value)), {
      code: 'configuration',
    })
  resolveSettings(kind.settings, withValue('auth_to_local', ['RULE:[1:$1]s/x/y/g/L', 'DEFAULT']))
})

test('the settings have the names and defaults of the settings page', () => {
  const kerberos = authenticators.KerberosAuthenticator
  assert.ok(kerberos !== undefined)
  assert.deepEqual(resolveSettings(kerberos.settings, nothingSet), {
    cookie_name: null,
    cache_max_age: 300,
    session_max_age: 43200,
    token_max_age: 31_536_000,
    allowed_users: [],
    allowed_groups: [],
    admin_users: [],
    admin_groups: [],
    groups_from: 'authenticator',
    service_name: 'HTTP',
    keytab: 'dask_gateway.keytab',
    realms: null,
    auth_to_local: null,
  })
})

test('one password for everybody and a file of users do not go together', () => {
  const simple = authenticators.SimpleAuthenticator
  assert.ok(simple !== undefined)
  const both = { password: 'x', htpasswd_file: '/x' }
  assert.throws(() => simple.create(both, surroundings), {
    code: 'configuration',
    message: /set one of the two/,
  })
})

test('a cookie name that could end its header is refused', () => {
  const simple = authenticators.SimpleAuthenticator
  assert.ok(simple !== undefined)
  const named = (value: string) =>
    new Map([['Authenticator', new Map([['cookie_name', { value, source: 'test' }]])]])
  assert.throws(() => resolveSettings(simple.settings, named('a=b; Path=/')), {
    code: 'configuration',
  })
  resolveSettings(simple.settings, named('my-gateway'))
})
