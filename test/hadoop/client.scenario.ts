// Run by client-*.test.ts inside machines with Hadoop: the client against real daemons, with whatever protection they have.
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import {
  type ApplicationId,
  applicationIdText,
  createFileSystemClient,
  createResourceManagerClient,
  decodeCredentials,
  encodeCredentials,
  HadoopError,
  type HadoopErrorCode,
  type Login,
  readConfiguration,
  readHdfsUrl,
} from '../../src/hadoop/index.ts'
import { createInitiator } from '../../src/kerberos/index.ts'
import { waitFor } from '../fakes/wait-for.ts'
import { hadoopPlaces, runAs } from '../support/hadoop.ts'
import { clientOptions, daskLogin } from './support.ts'

const security = process.env.HADOOP_SECURITY === 'kerberos' ? 'kerberos' : 'simple'
const protection = process.env.HADOOP_PROTECTION ?? 'authentication'
const withKerberos = security === 'kerberos'
const waitMs = 60_000

const options = await clientOptions(daskLogin(security))
const manager = createResourceManagerClient(options)
const files = createFileSystemClient(options)
const alice = manager.as('alice')
const closing: (() => void)[] = [manager.close, files.close]
after(() => {
  for (const close of closing) close()
  if (options.login.kind === 'kerberos') options.login.initiator.close()
})

const refusal =
  (code: HadoopErrorCode, words: RegExp, className = /./) =>
  (error: unknown) => {
    assert.ok(error instanceof HadoopError, String(error))
    assert.deepEqual([error.code, words.test(error.message)], [code, true], error.message)
    if (code === 'remote') assert.match(error.className ?? '', className)
    return true
  }

/** An application whose only container sleeps. */
async function submitSleep(tag: string, tokens?: Buffer): Promise<ApplicationId> {
  const { applicationId } = await alice.newApplication()
  const context = {
    applicationId,
    applicationName: 'a sleep',
    queue: 'default',
    applicationType: 'test',
    maxAppAttempts: 1,
    tags: [tag],
    resource: { memoryMiB: 256, virtualCores: 1 },
    amContainerSpec: {
      command: [
        'cat "$HADOOP_TOKEN_FILE_LOCATION" >/tmp/seen; mv /tmp/seen /tmp/blob; exec sleep 600',
      ],
      environment: [{ key: 'GREETING', value: 'hello' }],
      tokens,
    },
  }
  await alice.submit(context)
  // As when the answer was lost: the same once more changes nothing.
  await alice.submit(context)
  return applicationId
}

test('an application of alice, submitted by dask, is seen, killed and found by its tag', async () => {
  const tag = `tag-${randomBytes(4).toString('hex')}`
  const secrets = new Map([['secret', Buffer.from('of-alice')]])
  const id = await submitSleep(tag, encodeCredentials({ tokens: new Map(), secrets }))
  const state = async () => (await alice.report(id))?.state
  await waitFor(
    'the container to run',
    () => readFile('/tmp/blob').then(Boolean, () => false),
    waitMs,
  )
  assert.equal(await state(), 'ACCEPTED')
  const report = await alice.report(id)
  assert.deepEqual(
    [report?.user, report?.queue, report?.name, report?.tags],
    ['alice', 'root.default', 'a sleep', [tag]],
  )

  // The blob that the container sees: our secret, and the token that YARN adds.
  const seen = decodeCredentials(await readFile('/tmp/blob'))
  assert.equal(Buffer.from(seen.secrets.get('secret') ?? []).toString(), 'of-alice')
  assert.ok([...seen.tokens.values()].some(({ kind }) => kind === 'YARN_AM_RM_TOKEN'))

  const ids = async (query: Parameters<typeof alice.applications>[0]) =>
    (await alice.applications(query)).map((each) => applicationIdText(each.applicationId ?? {}))
  const name = applicationIdText(id)
  assert.deepEqual(await ids({ tags: [tag] }), [name])
  assert.deepEqual(await ids({ tags: [tag], states: ['RUNNING', 'ACCEPTED'], users: ['alice'] }), [
    name,
  ])
  assert.deepEqual(await ids({ tags: [tag], users: ['bob'] }), [])
  assert.deepEqual(await ids({ tags: ['another'] }), [])

  const [attempt] = await alice.attempts(id)
  assert.ok(attempt?.amContainerId !== undefined)
  const [container] = await alice.containers(id, 1)
  assert.equal(container?.state, 'RUNNING')
  assert.match(container?.nodeHttpAddress ?? '', /cluster.dask.test:8042$/)

  // yarn.acl.enable: neither another user nor who submitted it.
  for (const other of [manager.as('bob'), manager.as()])
    await assert.rejects(
      other.kill(id),
      refusal(
        'remote',
        /cannot perform operation MODIFY_APP/,
        /AccessControlException|YarnException/,
      ),
    )
  await waitFor('the end', () => alice.kill(id, 'no longer wanted'), waitMs)
  await waitFor('the state', async () => (await state()) === 'KILLED', waitMs)
  assert.match((await alice.report(id))?.diagnostics ?? '', /no longer wanted/)
  assert.equal(await alice.kill(id), true)
  assert.equal(await alice.report({ id: 4711, clusterTimestamp: 1 }), null)
})

test('what the ResourceManager refuses comes in its words, at once or with the report', async () => {
  const submit = async (user: string, changes: object) => {
    const { applicationId } = await manager.as(user).newApplication()
    const resource = { memoryMiB: 256, virtualCores: 1 }
    await manager.as(user).submit({ applicationId, amContainerSpec: {}, resource, ...changes })
    return applicationId
  }
  await assert.rejects(
    submit('alice', { resource: { memoryMiB: 1 << 20, virtualCores: 1 } }),
    refusal('remote', /memory/, /InvalidResourceRequestException$/),
  )
  await assert.rejects(submit('bob', { queue: 'small' }), refusal('remote', /bob.*small/i))
  const id = await submit('alice', { queue: 'nowhere' })
  await waitFor('the end', async () => (await alice.report(id))?.state === 'FAILED', waitMs)
  assert.match((await alice.report(id))?.diagnostics ?? '', /unknown queue: nowhere/)
})

test('the cluster: queues, nodes, resources', async () => {
  const queue = await alice.queue('dask')
  assert.deepEqual([queue?.state, queue?.maximumCapacity], ['RUNNING', 1])
  assert.equal(await alice.queue('nowhere'), null)
  assert.deepEqual(await manager.as('bob').queuesOfUser(), ['root.default', 'root.dask'])
  const [node] = await alice.nodes(['RUNNING'])
  assert.deepEqual(
    [node?.nodeId, node?.capability?.memoryMiB],
    [{ host: hadoopPlaces.host, port: 8041 }, 8192],
  )
  assert.equal((await alice.metrics()).active, 1)
  assert.deepEqual(await alice.resourceTypes(), ['memory-mb', 'vcores'])
})

test('who may not act for others is told so', async () => {
  const login: Login = withKerberos
    ? {
        kind: 'kerberos',
        initiator: createInitiator({ keytab: hadoopPlaces.keytabOf('bob'), principal: 'bob' }),
      }
    : { kind: 'simple', user: 'bob' }
  const client = createResourceManagerClient({ ...options, login })
  const space = createFileSystemClient({ ...options, login })
  closing.push(client.close, space.close)
  assert.equal((await client.as().metrics()).active, 1)
  for (const attempt of [() => client.as('alice').metrics(), () => space.as('alice').status('/')])
    await assert.rejects(attempt, (error) => {
      refusal('security', /User: bob(@DASK.TEST)? is not allowed to impersonate alice/)(error)
      assert.match((error as HadoopError).className ?? '', /AuthorizationException$/)
      return true
    })
})

test('files of HDFS', async () => {
  const space = files.as('alice')
  const folder = '/user/alice/folder/below'
  await space.makeDirectory(folder, 0o700)
  const status = await space.status(folder)
  assert.deepEqual(
    [status?.fileType, status?.owner, status?.permission.mode],
    ['IS_DIR', 'alice', 0o700],
  )
  await space.setPermission(folder, 0o755)
  assert.equal((await space.status(folder))?.permission.mode, 0o755)
  await space.rename(folder, '/user/alice/elsewhere')
  assert.equal(await space.status(folder), null)
  assert.ok((await space.status('/user/alice/elsewhere')) !== null)
  assert.equal(await space.remove('/user/alice/elsewhere'), true)
  assert.equal(await space.remove('/user/alice/elsewhere'), false)
  await assert.rejects(
    files.as('bob').makeDirectory('/user/alice/x', 0o755),
    refusal('remote', /Permission denied: user=bob/, /AccessControlException$/),
  )
  const { authority, path } = readHdfsUrl('hdfs:///dask-gateway/') ?? {}
  assert.deepEqual([authority, path], [undefined, '/dask-gateway'])
  assert.equal((await space.status('/dask-gateway'))?.owner, 'dask')
})

test('files are written, of no block, one and several, and read as they were by Hadoop itself', async () => {
  const space = files.as('alice')
  const contents = [0, 1, 64_512, (1 << 20) - 1, 1 << 20, 2_500_000].map((length) =>
    randomBytes(length),
  )
  for (const [index, content] of contents.entries()) {
    const pieces = async function* () {
      for (let at = 0; at < content.length; at += 99_999) yield content.subarray(at, at + 99_999)
    }
    const status = await space.write(`/user/alice/file-${index}`, pieces(), 0o640)
    assert.deepEqual(
      [status.length, status.owner, status.permission.mode],
      [content.length, 'alice', 0o640],
    )
  }
  const login = withKerberos ? `kinit -kt ${hadoopPlaces.keytabOf('alice')} alice && ` : ''
  const paths = contents.map((_, index) => `/user/alice/file-${index}`).join(' ')
  const { stdout } = await runAs('alice', [
    'bash',
    '-c',
    `set -o pipefail; ${login}hdfs dfs -cat ${paths} | sha256sum`,
  ])
  const expected = createHash('sha256').update(Buffer.concat(contents)).digest('hex')
  assert.equal(stdout.split(' ')[0], expected)

  const failing = async function* () {
    yield Buffer.alloc(2_000_000)
    throw new Error('the source ended early')
  }
  await assert.rejects(space.write('/user/alice/file-1', failing(), 0o640), /ended early/)
  assert.equal((await space.status('/user/alice/file-1'))?.length, 1)
  await assert.rejects(
    space.write('/user/bob/file', failing(), 0o640),
    refusal('remote', /Permission denied|does not exist/),
  )
})

if (withKerberos)
  test('a token of HDFS logs in by itself, until it is cancelled', {
    skip: !withKerberos && 'there are no tokens without Kerberos',
  }, async () => {
    const token = await files.as('alice').delegationToken('yarn')
    assert.ok(token !== null)
    assert.deepEqual([token.kind, token.service], ['HDFS_DELEGATION_TOKEN', '10.77.0.1:8020'])
    const open = () => {
      const client = createFileSystemClient({ ...options, login: { kind: 'token', token } })
      closing.push(client.close)
      return client.as()
    }
    const space = open()
    await space.makeDirectory('/user/alice/by-token', 0o755)
    assert.equal((await space.status('/user/alice/by-token'))?.owner, 'alice')
    await assert.rejects(files.as('alice').renewDelegationToken(token), refusal('remote', /renew/))
    await files.as('alice').cancelDelegationToken(token)
    await assert.rejects(open().status('/'), refusal('security', /can't be found|token/i))
  })

test('the ResourceManager and the NameNode are found behind one that is away', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'conf-'))
  t.after(() => rm(folder, { recursive: true }))
  const properties = {
    core: { 'fs.defaultFS': 'hdfs://both' },
    hdfs: {
      'dfs.nameservices': 'both',
      'dfs.ha.namenodes.both': 'nn1,nn2',
      'dfs.namenode.rpc-address.both.nn1': 'cluster.dask.test:1',
      'dfs.namenode.rpc-address.both.nn2': 'cluster.dask.test:8020',
    },
    yarn: {
      'yarn.resourcemanager.ha.enabled': 'true',
      'yarn.resourcemanager.ha.rm-ids': 'rm1,rm2',
      'yarn.resourcemanager.address.rm1': 'cluster.dask.test:1',
      'yarn.resourcemanager.hostname.rm2': 'cluster.dask.test',
    },
  }
  for (const [site, changes] of Object.entries(properties)) {
    const name = `${site}-site.xml`
    const given = await readFile(join(hadoopPlaces.configuration, name), 'utf8')
    const added = Object.entries(changes).map(
      ([property, value]) => `<property><name>${property}</name><value>${value}</value></property>`,
    )
    const end = '</configuration>'
    await writeFile(join(folder, name), given.replace(end, added.join('') + end))
  }
  const configuration = await readConfiguration(folder)
  const client = createResourceManagerClient({ ...options, configuration })
  const both = createFileSystemClient({ ...options, configuration })
  closing.push(client.close, both.close)
  assert.equal((await client.as('alice').metrics()).active, 1)
  assert.equal((await both.as('alice').status('/user/alice'))?.owner, 'alice')
  const token = await both.as('alice').delegationToken('yarn')
  assert.equal(token?.service, withKerberos ? 'ha-hdfs:both' : undefined)
})

if (withKerberos)
  test('a ResourceManager of another name, and one that protects less or more, is refused', {
    skip: !withKerberos && 'nothing is protected without Kerberos',
  }, async () => {
    const attempt = (changes: Readonly<Record<string, string>>) => {
      const configuration = {
        ...options.configuration,
        get: (name: string) => changes[name] ?? options.configuration.get(name),
        list: (name: string) => changes[name]?.split(',') ?? options.configuration.list(name),
      }
      const client = createResourceManagerClient({ ...options, configuration })
      closing.push(client.close)
      return client.as('alice').metrics()
    }
    await assert.rejects(
      attempt({ 'yarn.resourcemanager.principal': 'rm/_HOST@DASK.TEST' }),
      refusal(
        'security',
        /says it is yarn\/cluster.dask.test, but yarn.resourcemanager.principal wants rm\/cluster.dask.test/,
      ),
    )
    await attempt({ 'yarn.resourcemanager.principal.pattern': 'yarn/*@DASK.TEST' })
    await attempt({ 'hadoop.rpc.protection': 'privacy,integrity,authentication' })
    for (const other of ['authentication', 'integrity', 'privacy'].filter(
      (each) => each !== protection,
    ))
      await assert.rejects(
        attempt({ 'hadoop.rpc.protection': other }),
        refusal(
          'security',
          new RegExp(`the server offers ${protection}, but the configured protection is ${other}`),
        ),
      )
  })

test('three hundred calls at once, of three users', async () => {
  const users = ['alice', 'bob', undefined]
  const all = Array.from({ length: 300 }, (_, index) => manager.as(users[index % 3]).metrics())
  for (const metrics of await Promise.all(all)) assert.equal(metrics.active, 1)
})
