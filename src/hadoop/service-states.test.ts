import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { freePort } from '../../test/support/free-port.ts'
import { configurationOf } from './configuration/configuration.ts'
import { haServiceStateResponse, serviceStatusResponse } from './messages/ha.ts'
import { type Answer, type SeenCall, startFakeServer } from './rpc/server.fixture.ts'
import { nameNodeStates, resourceManagerStates } from './service-states.ts'

const refused: Answer = {
  className: 'org.apache.hadoop.security.AccessControlException',
  message: 'User dask has no permission to call getServiceState',
}
const optionsOf = (values: Readonly<Record<string, string>>) => ({
  configuration: configurationOf(
    '/conf',
    Object.entries(values).map(([name, value]) => ({ name, value, isFinal: false })),
  ),
  login: { kind: 'simple', user: 'dask' } as const,
  limitMs: 1_500,
})

async function serve(t: TestContext, onCall: (call: SeenCall) => Answer): Promise<string> {
  const { server, stop } = await startFakeServer({ onCall })
  t.after(stop)
  return `127.0.0.1:${server.port}`
}

async function nowhere(): Promise<string> {
  return `127.0.0.1:${await freePort()}`
}

/** [where clients, where administrators are served] of each, rm1 first. */
async function managers(...places: readonly (readonly [string, string])[]) {
  const values = places.flatMap(([clients, administrators], index) => [
    [`yarn.resourcemanager.address.rm${index + 1}`, clients],
    [`yarn.resourcemanager.admin.address.rm${index + 1}`, administrators],
  ])
  const states = await resourceManagerStates(
    optionsOf({
      'yarn.resourcemanager.ha.enabled': 'true',
      'yarn.resourcemanager.ha.rm-ids': places.map((_, index) => `rm${index + 1}`).join(),
      ...Object.fromEntries(values),
    }),
  )
  return states.map(({ id, place, state, reason }) => [
    id,
    place,
    state,
    reason?.split(' ')[0] ?? null,
  ])
}

test('a ResourceManager tells at the port of administrators, or by serving clients', async (t) => {
  const status = (state: 'ACTIVE' | 'STANDBY') => (call: SeenCall) => {
    assert.equal(call.method, 'getServiceStatus')
    return { response: serviceStatusResponse.encode({ state }) }
  }
  const [closed, serving, active, standby, refusing] = await Promise.all([
    nowhere(),
    serve(t, () => ({ response: Buffer.alloc(0) })),
    serve(t, status('ACTIVE')),
    serve(t, status('STANDBY')),
    serve(t, () => refused),
  ])
  assert.deepEqual(
    await managers(
      [serving, active],
      [closed, standby],
      [serving, refusing],
      [closed, refusing],
      [serving, closed],
      [closed, closed],
    ),
    [
      ['rm1', serving, 'active', null],
      ['rm2', standby, 'standby', null],
      ['rm3', serving, 'active', null],
      ['rm4', refusing, 'unknown', 'User'],
      ['rm5', serving, 'active', null],
      ['rm6', closed, 'unreachable', 'connect'],
    ],
  )
  const alone = optionsOf({ 'yarn.resourcemanager.address': closed })
  assert.deepEqual(await resourceManagerStates(alone), [])
})

test('a NameNode tells at the port of clients', async (t) => {
  const tells = (bytes: Buffer) =>
    serve(t, ({ method }) => {
      assert.equal(method, 'getHAServiceState')
      return { response: bytes }
    })
  const state = (name: 'ACTIVE' | 'STANDBY' | 'OBSERVER') =>
    tells(haServiceStateResponse.encode({ state: name }))
  const noMethod = { className: 'org.apache.hadoop.ipc.RpcNoSuchMethodException' }
  const places = [
    await state('STANDBY'),
    await state('ACTIVE'),
    await state('OBSERVER'),
    // A state that a newer Hadoop may have.
    await tells(Buffer.from([8, 9])),
    await serve(t, () => noMethod),
    await serve(t, () => 'silence'),
  ]
  const ids = places.map((_, index) => `nn${index + 1}`)
  const states = await nameNodeStates(
    optionsOf({
      'fs.defaultFS': 'hdfs://ns',
      'dfs.nameservices': 'ns',
      'dfs.ha.namenodes.ns': ids.join(),
      ...Object.fromEntries(
        ids.map((id, index) => [`dfs.namenode.rpc-address.ns.${id}`, places[index] ?? '']),
      ),
    }),
  )
  assert.deepEqual(
    states.map((each) => [each.id, each.place, each.state]),
    ['standby', 'active', 'observer', 'unknown', 'unknown', 'unreachable'].map((name, index) => [
      ids[index],
      places[index],
      name,
    ]),
  )
})
