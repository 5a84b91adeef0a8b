import assert from 'node:assert/strict'
import { existsSync, statSync } from 'node:fs'
import { test } from 'node:test'
import {
  type AccessToken,
  type Cluster,
  type ClusterEvent,
  type ClusterSettings,
  type DayUsage,
  type Session,
  type Store,
  sumUsage,
  type UsageKey,
  type UsageQuery,
  type Worker,
} from '../../src/core/index.ts'

/** What every store must do. `open` gives an empty one each time; the suite closes it. */
export function storeContract(name: string, open: () => Promise<Store>): void {
  const withStore = (what: string, run: (store: Store) => Promise<void>) =>
    test(`${name}: ${what}`, async () => {
      const store = await open()
      try {
        await run(store)
      } finally {
        await store.close()
      }
    })

  withStore('a new one is empty and has an instance', async (store) => {
    assert.deepEqual(await store.load(), { clusters: [], workers: [], lastEventId: 0 })
    assert.match(store.instance.id, /^[0-9a-f]{32}$/)
    assert.equal(store.instance.signingKey.length, 32)
    assert.ok(store.instance.proxyToken.length >= 32)
    assert.equal(store.instance.privatePort, null)
    assert.equal(statSync(store.stateDirectory).mode & 0o777, 0o700)
    await store.probe()
  })

  withStore(
    'the last of several changes at once is what is kept, also after a failed one',
    async (store) => {
      const put = (changes: Partial<Cluster>) =>
        store.commit([{ put: 'cluster', cluster: sampleCluster(1, changes) }])
      const kept = async () => (await store.load()).clusters
      await put({ count: 1, reason: 'a' })
      await Promise.all([put({ count: 2, reason: 'a' }), put({ count: 1, reason: 'b' })])
      assert.deepEqual(await kept(), [sampleCluster(1, { count: 1, reason: 'b' })])
      const cluster = sampleCluster(1, { count: 3, token: 'other' })
      const orphan = sampleWorker(1, 2)
      await assert.rejects(
        store.commit([
          { put: 'cluster', cluster },
          { put: 'worker', worker: orphan },
        ]),
      )
      assert.deepEqual(await kept(), [sampleCluster(1, { count: 1, reason: 'b' })])
      await store.commit([{ put: 'cluster', cluster }])
      await store.commit([{ put: 'cluster', cluster }])
      assert.deepEqual(await kept(), [cluster])
      await store.commit([{ remove: 'cluster', clusterName: cluster.name }])
      await store.commit([{ put: 'cluster', cluster }])
      assert.deepEqual(await kept(), [cluster])
    },
  )

  withStore('what was done is kept in order and found by user and by cluster', async (store) => {
    const base = { time: 5, action: 'stop', owner: null, address: '::1', message: '' }
    for (const [user, cluster] of [
      ['alice', 'a'],
      ['bob', null],
      ['alice', 'b'],
      ['boss', 'a'],
    ] as const)
      await store.addAudit([{ ...base, user, cluster }])
    const any = { after: null, before: null, limit: 10, user: null, cluster: null }
    await store.addAudit([])
    const users = async (query: object) =>
      (await store.audit({ ...any, ...query })).map(({ user }) => user)
    assert.deepEqual(await users({}), ['boss', 'alice', 'bob', 'alice'])
    assert.deepEqual(await users({ limit: 2 }), ['boss', 'alice'])
    assert.deepEqual(await users({ before: 3 }), ['bob', 'alice'])
    assert.deepEqual(await users({ after: 1 }), ['bob', 'alice', 'boss'])
    assert.deepEqual(await users({ user: 'alice' }), ['alice', 'alice'])
    assert.deepEqual(await users({ cluster: 'a' }), ['boss', 'alice'])
    assert.deepEqual((await store.audit(any))[2], { ...base, id: 2, user: 'bob', cluster: null })
  })

  withStore(
    'of what was done only the oldest are forgotten, by number or by age',
    async (store) => {
      const any = { after: null, before: null, limit: 100, user: null, cluster: null }
      const ids = async () => (await store.audit(any)).map(({ id }) => id).toReversed()
      const base = { user: 'a', action: 'x', cluster: null, owner: null, address: '', message: '' }
      await store.forgetAudit({ keep: 5, before: 10 })
      // The clock went back once, and was ahead once.
      await store.addAudit([10, 20, 30, 25, 40, 50].map((time) => ({ ...base, time })))
      await store.forgetAudit({ keep: 100, before: 30 })
      assert.deepEqual(await ids(), [3, 4, 5, 6])
      await store.forgetAudit({ keep: 3, before: null })
      assert.deepEqual(await ids(), [4, 5, 6])
      await store.forgetAudit({ keep: 100, before: 1000 })
      assert.deepEqual(await ids(), [])
      await store.addAudit([{ ...base, time: 60 }])
      assert.deepEqual(await ids(), [7])
    },
  )

  withStore('usage is added up by day and owner, and forgotten by day', async (store) => {
    const usage = (day: string, username: string, more: Partial<DayUsage> = {}): DayUsage => ({
      ...{ day, username, groups: ['b', 'a, "x"'], labels: { p: '1', a: '2' } },
      ...{ clusterMs: 1, workerMs: 2, coreMs: 4, memoryByteMs: 2 ** 60, ...more },
    })
    const put = (each: DayUsage) => ({ put: 'usage', usage: each }) as const
    await store.commit([
      put(usage('2026-01-01', 'alice')),
      put(usage('2026-01-01', 'alice', { groups: ['a, "x"', 'b'], labels: { a: '2', p: '1' } })),
      put(usage('2026-01-02', 'alice', { groups: [], labels: {} })),
      put(usage('2026-02-01', 'bob')),
    ])
    await assert.rejects(
      store.commit([
        put(usage('2026-02-01', 'bob')),
        { put: 'worker', worker: sampleWorker(1, 99) },
      ]),
    )
    const found = async (by: readonly UsageKey[], more: Partial<UsageQuery> = {}) =>
      sumUsage(await store.usage({ ...all, by: new Set(by), ...more }), {
        ...all,
        by: new Set(by),
      }).map(({ day, month, user, group, label, clusterMs, memoryByteMs }) => [
        [day, month, user, group, label].filter((each) => each !== null).join(' '),
        clusterMs,
        memoryByteMs / 2 ** 60,
      ])
    const all: UsageQuery = { from: '0000', to: '9999', username: null, by: new Set() }
    assert.deepEqual(await found([]), [['', 4, 4]])
    assert.deepEqual(await found(['user']), [
      ['alice', 3, 3],
      ['bob', 1, 1],
    ])
    assert.deepEqual(await found(['month', 'group']), [
      ['2026-01 a, "x"', 2, 2],
      ['2026-01 b', 2, 2],
      ['2026-01', 1, 1],
      ['2026-02 a, "x"', 1, 1],
      ['2026-02 b', 1, 1],
    ])
    assert.deepEqual(await found(['label'], { username: 'bob' }), [
      ['a=2', 1, 1],
      ['p=1', 1, 1],
    ])
    assert.deepEqual(await found(['day'], { from: '2026-01-02', to: '2026-01-31' }), [
      ['2026-01-02', 1, 1],
    ])
    await store.removeUsage('2026-01-02')
    assert.deepEqual(await found(['day']), [
      ['2026-01-02', 1, 1],
      ['2026-02-01', 1, 1],
    ])
  })

  withStore('labels of a user beyond a thousand are kept together', async (store) => {
    const usage = (n: number): DayUsage => ({
      ...{ day: '2026-01-01', username: 'alice', groups: [], labels: { n: String(n) } },
      ...{ clusterMs: 1, workerMs: 0, coreMs: 0, memoryByteMs: 0 },
    })
    await store.commit(Array.from({ length: 1100 }, (_, n) => ({ put: 'usage', usage: usage(n) })))
    const query = { from: '2026-01-01', to: '2026-01-01', username: 'alice' }
    const sums = sumUsage(await store.usage({ ...query, by: new Set(['label']) }), {
      ...{ ...query, by: new Set<UsageKey>(['label']) },
    })
    assert.equal(sums.length, 1001)
    assert.equal(sums.find(({ label }) => label === null)?.clusterMs, 100)
  })

  withStore('a drain is kept and taken back', async (store) => {
    assert.equal(store.drain, null)
    const drain = { since: 7, by: 'boss', message: 'Naïve "quoted" \u{1f600}' }
    await store.saveDrain(drain)
    assert.deepEqual(store.drain, drain)
    await store.saveDrain(null)
    assert.equal(store.drain, null)
  })

  withStore('quotas are kept by whose they are, replaced and removed', async (store) => {
    const lab = { scope: 'group', name: 'a, b/ü' } as const
    const first = { ...lab, limits: { cores: 1.5 }, setBy: 'boss', setAt: 5 }
    const second = { ...lab, limits: { clusters: null, memory: 2 ** 40 }, setBy: 'root', setAt: 6 }
    const other = { ...first, scope: 'user' } as const
    for (const override of [first, other, second]) await store.saveQuota(override)
    const kept = async () => (await store.loadQuotas()).toSorted((a, b) => a.setAt - b.setAt)
    assert.deepEqual(await kept(), [other, second])
    await store.removeQuota(lab)
    await store.removeQuota(lab)
    assert.deepEqual(await kept(), [other])
  })

  withStore('records come back as they were put', async (store) => {
    const cluster = sampleCluster(1, {
      attempt: {
        id: 'a'.repeat(16),
        createdAt: 5,
        handle: { pid: 7, at: [1.5, null] },
        runningSince: 6,
      },
      addresses: { scheduler: 'tls://h:1', dashboard: null, api: 'http://h:2' },
      stopTime: 9,
      reason: 'Naïve — "quoted"\n\u{1f600}',
    })
    const worker = sampleWorker(1, 1, { endExpected: true, stopTime: 3, reason: 'gone' })
    await store.commit([
      { put: 'cluster', cluster },
      { put: 'cluster', cluster: sampleCluster(2) },
      { put: 'worker', worker },
      { put: 'worker', worker: sampleWorker(2, 2) },
    ])
    assert.deepEqual(await store.load(), {
      clusters: [cluster, sampleCluster(2)],
      workers: [worker, sampleWorker(2, 2)],
      lastEventId: 0,
    })
  })

  withStore('a put replaces the record, and what refers to it stays', async (store) => {
    await store.commit([
      { put: 'cluster', cluster: sampleCluster(1) },
      { put: 'worker', worker: sampleWorker(1, 1) },
      { put: 'event', event: sampleEvent(1, 1) },
    ])
    const cluster = sampleCluster(1, { target: 'stopped', token: 'another' })
    const worker = sampleWorker(1, 1, { status: 'failed', target: 'failed' })
    await store.commit([
      { put: 'cluster', cluster },
      { put: 'worker', worker },
    ])
    assert.deepEqual(await store.load(), { clusters: [cluster], workers: [worker], lastEventId: 1 })
    assert.equal((await store.events(cluster.name, 0, 10)).length, 1)
  })

  withStore('removing a cluster removes its workers and events, no others', async (store) => {
    await store.commit([
      ...[1, 2].map((n) => ({ put: 'cluster', cluster: sampleCluster(n) }) as const),
      ...[1, 2].map((n) => ({ put: 'worker', worker: sampleWorker(n, n) }) as const),
      ...[1, 2].map((n) => ({ put: 'event', event: sampleEvent(n, n) }) as const),
    ])
    await store.commit([{ remove: 'cluster', clusterName: sampleCluster(2).name }])
    assert.deepEqual(await store.load(), {
      clusters: [sampleCluster(1)],
      workers: [sampleWorker(1, 1)],
      lastEventId: 2,
    })
    assert.deepEqual(await store.events(sampleCluster(2).name, 0, 10), [])
    assert.deepEqual(await store.events(sampleCluster(1).name, 0, 10), [sampleEvent(1, 1)])
  })

  withStore('removing a worker removes its events, and nothing of the others', async (store) => {
    const [first, second] = [sampleWorker(1, 1), sampleWorker(2, 1)]
    const eventOf = (id: number, worker: string | null) => ({ ...sampleEvent(id, 1), worker })
    await store.commit([
      { put: 'cluster', cluster: sampleCluster(1) },
      { put: 'worker', worker: first },
      { put: 'worker', worker: second },
      { put: 'event', event: eventOf(1, first.name) },
      { put: 'event', event: eventOf(2, second.name) },
      { put: 'event', event: eventOf(3, null) },
    ])
    const { clusterName } = first
    await store.commit([{ remove: 'worker', clusterName, workerName: first.name }])
    assert.deepEqual((await store.load()).workers, [second])
    const left = await store.events(clusterName, 0, 10)
    assert.deepEqual(
      left.map((event) => event.id),
      [2, 3],
    )
  })

  withStore('a commit that fails leaves nothing behind, and later ones work', async (store) => {
    await assert.rejects(
      store.commit([
        { put: 'cluster', cluster: sampleCluster(1) },
        { put: 'worker', worker: sampleWorker(1, 99) },
      ]),
      { name: 'GatewayError', code: 'internal' },
    )
    assert.deepEqual(await store.load(), { clusters: [], workers: [], lastEventId: 0 })
    await store.commit([{ put: 'cluster', cluster: sampleCluster(1) }])
    assert.equal((await store.load()).clusters.length, 1)
  })

  withStore('of old events only the newest are left, and those of others', async (store) => {
    await store.commit([
      ...[1, 2].map((n) => ({ put: 'cluster', cluster: sampleCluster(n) }) as const),
      ...[1, 2, 3, 4, 5].map((id) => ({ put: 'event', event: sampleEvent(id, 1) }) as const),
      { put: 'event', event: sampleEvent(6, 2) },
    ])
    const left = async (n: number) =>
      (await store.events(sampleCluster(n).name, 0, 10)).map((event) => event.id)
    const clusterName = sampleCluster(1).name
    await store.commit([{ remove: 'old-events', clusterName, keep: 5 }])
    assert.deepEqual(await left(1), [1, 2, 3, 4, 5])
    await store.commit([{ remove: 'old-events', clusterName, keep: 2 }])
    assert.deepEqual(await left(1), [4, 5])
    assert.deepEqual(await left(2), [6])
  })

  withStore('events come in order, after an id, up to a limit', async (store) => {
    await store.commit([{ put: 'cluster', cluster: sampleCluster(1) }])
    await store.commit(
      [3, 1, 2, 5].map((id) => ({ put: 'event', event: sampleEvent(id, 1) }) as const),
    )
    const ids = async (afterId: number, limit: number) =>
      (await store.events(sampleCluster(1).name, afterId, limit)).map((event) => event.id)
    assert.deepEqual(await ids(0, 10), [1, 2, 3, 5])
    assert.deepEqual(await ids(1, 2), [2, 3])
    assert.equal((await store.load()).lastEventId, 5)
  })

  withStore('commits made at once happen one after the other', async (store) => {
    await Promise.all(
      Array.from({ length: 50 }, (_, count) =>
        store.commit([{ put: 'cluster', cluster: sampleCluster(1, { count }) }]),
      ),
    )
    assert.equal((await store.load()).clusters[0]?.count, 49)
  })

  withStore('sessions are kept until they are over or ended', async (store) => {
    const session = (expiresAt: number): Session => ({
      user: { name: 'alice', groups: ['a', 'b'], admin: true },
      kind: 'login',
      expiresAt,
    })
    for (const n of [100, 200, 300]) await store.putSession(`h${n}`, session(n))
    await store.putSession('h300', { ...session(300), kind: 'header' })
    await store.removeSession('h200')
    assert.deepEqual(await store.loadSessions(100), [
      { hash: 'h300', session: { ...session(300), kind: 'header' } },
    ])
    await store.removeExpiredSessions(100)
    assert.deepEqual(
      (await store.loadSessions(0)).map((each) => each.hash),
      ['h300'],
    )
  })

  withStore(
    'access tokens are kept, with their last use, until they are removed',
    async (store) => {
      const token = (id: string, more: Partial<AccessToken> = {}): AccessToken => ({
        id,
        name: `for ${id}`,
        user: { name: 'alice', groups: ['a', 'b'], admin: true },
        scope: 'manage',
        createdAt: 100,
        expiresAt: null,
        lastUsedAt: null,
        madeBy: null,
        ...more,
      })
      const full = { expiresAt: 300, lastUsedAt: 200, madeBy: '1' }
      await store.addToken('h1', token('1'))
      await store.addToken('h2', token('2', full))
      await store.addToken('h3', token('3'))
      await assert.rejects(store.addToken('h4', token('1')))
      await store.saveTokenUse('1', 150)
      await store.removeTokens(['3'])
      await store.saveTokenUse('3', 150)
      const loaded = await store.loadTokens()
      assert.deepEqual(
        loaded.toSorted((a, b) => a.hash.localeCompare(b.hash)),
        [
          { hash: 'h1', token: token('1', { lastUsedAt: 150 }) },
          { hash: 'h2', token: token('2', full) },
        ],
      )
    },
  )

  withStore('the private port is remembered', async (store) => {
    await store.savePrivatePort(4711)
    assert.equal(store.instance.privatePort, 4711)
  })

  test(`${name}: a closed one refuses, and closes again without harm`, async () => {
    const store = await open()
    const last = store.commit([{ put: 'cluster', cluster: sampleCluster(1) }])
    await Promise.all([store.close(), last])
    await store.close()
    await assert.rejects(store.load(), { code: 'unavailable', message: /is closed/ })
    await assert.rejects(store.probe(), { code: 'unavailable' })
    if (name === 'memory') assert.equal(existsSync(store.stateDirectory), false)
  })
}

const settings: ClusterSettings = {
  scheduler_cmd: ['dask', 'scheduler'],
  worker_cmd: 'dask worker',
  environment: { A: 'b' },
  labels: { project: 'x' },
  worker_memory: 2 ** 31,
  worker_cores: 1,
  worker_threads: null,
  scheduler_memory: 2 ** 31,
  scheduler_cores: 1,
  adaptive_period: 3,
  idle_timeout: 0.5,
  ...{ cluster_max_lifetime: 3600, client_timeout: 1.5, end_warning: 0 },
  cluster_max_memory: null,
  cluster_max_cores: 2.5,
  cluster_max_workers: 4,
  cluster_start_timeout: null,
  worker_start_timeout: null,
  worker_start_failure_limit: null,
  queue: 'one of a backend',
}

const name = (letter: string, n: number) => `${letter}${String(n).padStart(31, '0')}`

export function sampleCluster(n: number, changes: Partial<Cluster> = {}): Cluster {
  return {
    name: name('c', n),
    username: 'alice',
    groups: ['a, b', 'c'],
    queued: null,
    options: { memory: 2, nested: { list: [true, null, 'x'] } },
    settings,
    status: 'running',
    target: 'running',
    count: 0,
    attempt: null,
    token: `SECRET-token-${n}`,
    tlsCert: '-----BEGIN CERTIFICATE-----',
    tlsKey: `SECRET-tls-key-${n}`,
    dashboardKey: `SECRET-dashboard-key-${n}`,
    addresses: null,
    startTime: 1_700_000_000_000 + n,
    readyTime: null,
    endAge: null,
    adaptive: null,
    stopTime: null,
    reason: null,
    workerStartFailures: 0,
    ...changes,
  }
}

export function sampleWorker(n: number, cluster: number, changes: Partial<Worker> = {}): Worker {
  return {
    name: name('f', n),
    clusterName: name('c', cluster),
    status: 'submitted',
    target: 'running',
    attempt: { id: 'b'.repeat(16), createdAt: 1, handle: null, runningSince: null },
    endExpected: false,
    startTime: 1_700_000_000_000 + n,
    stopTime: null,
    reason: null,
    ...changes,
  }
}

export function sampleEvent(id: number, cluster: number, message = 'It happened.'): ClusterEvent {
  return {
    id,
    clusterName: name('c', cluster),
    time: 1_700_000_000_000 + id,
    kind: 'worker-started',
    message,
    worker: null,
    details: { exitCode: 1 },
  }
}
