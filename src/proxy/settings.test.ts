import assert from 'node:assert/strict'
import { test } from 'node:test'
import { resolveSettings } from '../core/index.ts'
import { proxySettings } from './settings.ts'

const resolve = (settings: { readonly [name: string]: unknown }) => {
  const assigned = Object.entries(settings).map(
    ([name, value]) => [name, { value, source: 'file.py' }] as const,
  )
  return resolveSettings(proxySettings, new Map([['Proxy', new Map(assigned)]]))
}

test('the defaults', () => {
  assert.deepEqual(resolve({}), {
    address: { host: '', port: 8000 },
    tcp_address: null,
    prefix: '',
    gateway_url: null,
    api_token: null,
    max_events: 100,
    tls_cert: null,
    tls_key: null,
    externally_managed: false,
    proxy_status_period: 30,
    log_level: 'warn',
    dashboard_host: null,
    dashboard_auth: 'login',
  })
})

const taken = [
  ['prefix', '/services/dask-gateway/', '/services/dask-gateway'],
  ['prefix', '/', ''],
  ['gateway_url', 'http://gateway.example:8001', 'http://gateway.example:8001'],
  ['gateway_url', 'unix:/run/gateway.sock', 'unix:/run/gateway.sock'],
  ['log_level', 'WARNING', 'warn'],
  ['log_level', 10, 'debug'],
  ['dashboard_host', 'Dash.example.org', 'dash.example.org'],
  ['dashboard_host', 'dash.example.org:8443', 'dash.example.org'],
  ['dashboard_auth', true, 'login'],
  ['dashboard_auth', 'link', 'link'],
  ['dashboard_auth', false, false],
] as const
for (const [name, value, expected] of taken)
  test(`${name} = ${JSON.stringify(value)}`, () =>
    assert.deepEqual(
      Object.entries(resolve({ [name]: value })).find(([key]) => key === name),
      [name, expected],
    ))

const refused = [
  ['prefix', 'services'],
  ['prefix', '/a/../b'],
  ['prefix', '/a//b'],
  ['gateway_url', 'https://gateway.example'],
  ['gateway_url', 'http://user:secret@gateway.example'],
  ['gateway_url', 'http://gateway.example/path'],
  ['log_level', 'loud'],
  ['dashboard_host', 'https://dash.example.org'],
  ['dashboard_auth', 'open'],
  ['max_events', 0],
] as const
for (const [name, value] of refused)
  test(`refuses ${name} = ${JSON.stringify(value)}`, () =>
    assert.throws(() => resolve({ [name]: value }), {
      code: 'configuration',
      message: new RegExp(`^file\\.py: Proxy\\.${name} = `),
    }))
