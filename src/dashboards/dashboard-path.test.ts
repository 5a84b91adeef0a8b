import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clusterName, dashboardKey, targetAt } from '../../test/support/fake-dashboard.ts'
import { dashboardRoute, parseDashboardPath, redactPath } from './dashboard-path.ts'

const base = `/clusters/${clusterName}`

test('a path is split and left as it is', () => {
  const table = [
    ['', [null, '', '']],
    ['/', [null, '/', '']],
    ['?a=b', [null, '', '?a=b']],
    ['/status?a=/~b', [null, '/status', '?a=/~b']],
    ['/~key', ['key', '', '']],
    ['/~key/', ['key', '/', '']],
    ['/~s.owner.1.x/statics/css/?v=1', ['s.owner.1.x', '/statics/css/', '?v=1']],
    ['/~k/../../b/%2e%2e/%2f..;x', ['k', '/../../b/%2e%2e/%2f..;x', '']],
    ['//elsewhere.example/', [null, '//elsewhere.example/', '']],
    ['/%7Ekey/x', [null, '/%7Ekey/x', '']],
  ] as const
  for (const [path, [pass, rest, query]] of table)
    assert.deepEqual(parseDashboardPath(base + path), { clusterName, pass, rest, query }, path)
})

test('what is no path of a dashboard', () => {
  for (const path of [
    ...['', '/', '/clusters', '/clusters/', '/clusters//status', '/clusters/A_B/status', '*'],
    ...['/clusters/../api', `/clusters/${clusterName}%2f..`, `${base}/a b`, `${base}/\u00e9`],
    ...[`${base}/#x`, `http://host${base}/`, `${base}/\r\nX: y`],
  ])
    assert.equal(parseDashboardPath(path), null, path)
})

test('the route of a report carries the key only where keys open dashboards', () => {
  assert.equal(dashboardRoute(targetAt(null), 'login'), `${base}/status`)
  assert.equal(dashboardRoute(targetAt(null), false), `${base}/status`)
  assert.equal(dashboardRoute(targetAt(null), 'link'), `${base}/~${dashboardKey}/status`)
})

test('logs show no session and no key', () => {
  const table = [
    [`${base}/~secret/status?x=1`, `${base}/~REDACTED/status?x=1`],
    [`${base}/~secret`, `${base}/~REDACTED`],
    [`https://h/pre${base}//~secret?q`, `https://h/pre${base}//~REDACTED?q`],
    [`${base}/%7esecret/`, `${base}/~REDACTED/`],
    [`${base}/status`, `${base}/status`],
    ['/api/v1/clusters/', '/api/v1/clusters/'],
  ] as const
  for (const [path, expected] of table) assert.equal(redactPath(path), expected)
})
