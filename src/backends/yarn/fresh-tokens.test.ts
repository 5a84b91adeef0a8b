import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Cluster, Logger } from '../../core/index.ts'
import { decodeCredentials } from '../../hadoop/index.ts'
import { FreshTokens } from './fresh-tokens.ts'
import type { HadoopPlace } from './hadoop-place.ts'
import { yarnSettingsOf } from './settings.ts'

const hourMs = 3_600_000

function setUp(t: TestContext, properties: { readonly [name: string]: string } = {}) {
  t.mock.timers.enable({ apis: ['Date'], now: 1_000_000_000_000 })
  const all: { readonly [name: string]: string | undefined } = {
    'hadoop.security.authentication': 'kerberos',
    'fs.defaultFS': 'hdfs://main:8020',
    ...properties,
  }
  const asked: string[] = []
  const state = { isAway: false, warnings: 0 }
  const place = {
    configuration: { get: (name: string) => all[name], flag: () => false },
    fileSystem: (authority: string | undefined) => ({
      as: (user: string) => ({
        async delegationToken(renewer: string) {
          if (state.isAway) throw new Error('the NameNode is away')
          asked.push(`${authority ?? 'default'} ${user} ${renewer}`)
          const service = `${authority}`
          return { identifier: Buffer.alloc(1), password: Buffer.alloc(1), kind: 'k', service }
        },
      }),
    }),
  } as unknown as HadoopPlace
  const warn = () => {
    state.warnings += 1
  }
  const logger = { warn } as unknown as Logger
  const changed: string[] = []
  const tokens = new FreshTokens(place, logger, (id) => changed.push(id))
  const localize_files = { a: 'hdfs://other:9000/a', b: 'hdfs:///b', c: '/local' }
  const cluster = {
    ...{ name: 'c', username: 'alice', attempt: { id: 'a', createdAt: Date.now() } },
    settings: yarnSettingsOf({ settings: { localize_files } as unknown as Cluster['settings'] }),
  } as unknown as Cluster
  return { tokens, cluster, asked, changed, state }
}

test('new tokens are got three times a day, of all file systems that are needed, as the user', async (t) => {
  const { tokens, cluster, asked, changed } = setUp(t)
  t.mock.timers.tick(7 * hourMs)
  await tokens.renew(cluster)
  assert.deepEqual([asked, tokens.of('a')], [[], null])
  t.mock.timers.tick(hourMs)
  await Promise.all([tokens.renew(cluster), tokens.renew(cluster)])
  assert.deepEqual(asked, ['other:9000 alice yarn', 'default alice yarn'])
  assert.deepEqual(changed, ['a'])
  assert.equal(decodeCredentials(tokens.of('a') ?? Buffer.alloc(0)).tokens.size, 2)
  await tokens.renew(cluster)
  t.mock.timers.tick(7 * hourMs)
  await tokens.renew(cluster)
  assert.equal(asked.length, 2)
  t.mock.timers.tick(hourMs)
  await tokens.renew(cluster)
  assert.equal(asked.length, 4)
})

test('a shorter life is minded; while HDFS is away the old ones are kept, and it is asked again soon', async (t) => {
  const { tokens, cluster, asked, state } = setUp(t, {
    'dfs.namenode.delegation.token.max-lifetime': '30000',
  })
  t.mock.timers.tick(10_000)
  await tokens.renew(cluster)
  const first = tokens.of('a')
  assert.notEqual(first, null)
  state.isAway = true
  t.mock.timers.tick(10_000)
  await tokens.renew(cluster)
  assert.deepEqual([state.warnings, tokens.of('a')], [1, first])
  state.isAway = false
  t.mock.timers.tick(10_000)
  await tokens.renew(cluster)
  assert.equal(asked.length, 4)
  tokens.forget('a')
  assert.equal(tokens.of('a'), null)
})

test('where there is no security there are no tokens', async (t) => {
  const { tokens, cluster, asked } = setUp(t, { 'hadoop.security.authentication': 'simple' })
  t.mock.timers.tick(100 * hourMs)
  await tokens.renew(cluster)
  assert.deepEqual(asked, [])
})
