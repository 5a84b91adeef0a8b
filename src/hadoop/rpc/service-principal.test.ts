import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serverPrincipal } from './service-principal.ts'

const expected = (principal: string | undefined, pattern?: string) => ({
  host: 'RM1.Example.org',
  port: 8032,
  property: 'yarn.resourcemanager.principal',
  principal,
  pattern,
})
const offered = (name: string) => {
  const [service = '', host = ''] = name.split('/')
  return { service, host }
}

test('the name that is configured, with the host of the server in it', async () => {
  for (const [principal, name, result] of [
    ['yarn/_HOST@R', 'yarn/rm1.example.org', { principal: 'yarn/rm1.example.org@R' }],
    ['yarn/other@R', 'yarn/other', { principal: 'yarn/other@R' }],
    ['yarn/_HOST', 'yarn/rm1.example.org', { service: 'yarn', host: 'rm1.example.org' }],
  ] as const)
    assert.deepEqual(await serverPrincipal(offered(name), expected(principal)), result)
})

test('any other is refused', async () => {
  for (const [principal, name] of [
    ['yarn/_HOST@R', 'yarn/rm2.example.org'],
    ['yarn/_HOST@R', 'HTTP/rm1.example.org'],
    ['yarn/_HOST@R', 'yarn/'],
    ['yarn/_HOST@R', 'yarn/rm1.example.org@EVIL'],
    ['yarn/rm@R', 'yarn/rm1.example.org'],
  ] as const)
    await assert.rejects(
      serverPrincipal(offered(name), expected(principal)),
      /was not trusted/,
      name,
    )
  for (const nothing of [undefined, ''])
    await assert.rejects(
      serverPrincipal(offered('yarn/rm1.example.org'), expected(nothing)),
      /yarn.resourcemanager.principal is not set/,
    )
})

test('a pattern takes the place of the name', async () => {
  const by = (name: string, pattern: string) =>
    serverPrincipal(offered(name), expected('rm/x@R', pattern))
  assert.deepEqual(await by('yarn/a.b', 'yarn/*@R'), { principal: 'yarn/a.b@R' })
  assert.deepEqual(await by('yarn/a.b', '*'), { service: 'yarn', host: 'a.b' })
  assert.deepEqual(await by('yarn/a.b', 'yarn/*@*'), { service: 'yarn', host: 'a.b' })
  for (const [name, pattern] of [
    ['http/a.b', 'yarn/*@R'],
    ['yarn/axb', 'yarn/a.b@R'],
    ['yarn/a.b.c', 'yarn/*.b@R'],
  ] as const)
    await assert.rejects(by(name, pattern), /principal.pattern wants/, name)
})
