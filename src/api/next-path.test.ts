import assert from 'node:assert/strict'
import { test } from 'node:test'
import { safeNextPath } from './next-path.ts'

for (const [next, prefix, path] of [
  ['/', '', '/'],
  ['/clusters/abc/status', '', '/clusters/abc/status'],
  ['/clusters/abc/status?x=1&y=%20', '', '/clusters/abc/status?x=1&y=%20'],
  ['/gateway/clusters/a', '/gateway', '/gateway/clusters/a'],
  ['/gateway/', '/gateway', '/gateway/'],
  ['/gateway', '/gateway', null],
  ['/gatewayx/', '/gateway', null],
  ['/gateway/../api', '/gateway', null],
  ['/gateway/%2e%2e/api', '/gateway', null],
  ['/elsewhere', '/gateway', null],
  ['', '', null],
  [null, '', null],
  ['clusters', '', null],
  ['https://evil.example/', '', null],
  ['//evil.example/', '', null],
  ['/\\evil.example/', '', null],
  ['\\\\evil.example', '', null],
  ['/\t/evil.example', '', null],
  ['/\n/evil.example', '', null],
  ['/..//evil.example', '', null],
  ['/.//evil.example', '', null],
  ['/%2f%2fevil.example', '', null],
  ['/%2Fevil.example', '', null],
  ['/%5cevil.example', '', null],
  ['/%09/evil.example', '', null],
  ['/%', '', null],
  ['/a%0d%0aSet-Cookie:x', '', null],
  ['/ä', '', null],
  ['javascript:alert(1)', '', null],
  [`/${'a'.repeat(3000)}`, '', null],
] as const) {
  test(`after a login, ${JSON.stringify(next)?.slice(0, 50)} below "${prefix}" leads to ${path}`, () => {
    assert.equal(safeNextPath(next, prefix), path)
  })
}
