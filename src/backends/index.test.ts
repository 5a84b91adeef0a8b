import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import {
  allSettings,
  type BackendContext,
  GatewayError,
  resolveSettings,
  type SettingsClass,
} from '../core/index.ts'
import { backendSettingsClasses, backends, findBackend } from './index.ts'

const classNamed = (name: string): SettingsClass => {
  const found = backendSettingsClasses.find((each) => each.name === name)
  assert.ok(found, `no class ${name}`)
  return found
}
const resolved = (
  name: string,
  set: { [className: string]: { [setting: string]: unknown } } = {},
): { [setting: string]: unknown } =>
  resolveSettings(
    classNamed(name),
    new Map(
      Object.entries(set).map(([className, settings]) => [
        className,
        new Map(
          Object.entries(settings).map(([key, value]) => [key, { value, source: 'test.py' }]),
        ),
      ]),
    ),
  ) as { [setting: string]: unknown }

test('each backend is listed under the name of its class', () => {
  for (const [name, driver] of Object.entries(backends)) assert.equal(driver.settings.name, name)
})

test('each folder of a backend is in the list', () => {
  const folders = readdirSync(import.meta.dirname, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name.replace('-', ''))
  const listed = Object.keys(backends).map((name) => name.replace('Backend', '').toLowerCase())
  for (const folder of folders) assert.ok(listed.includes(folder), `${folder}/ is not listed`)
})

test('backends are found by class, alias and dotted name', () => {
  for (const name of [
    'PBSBackend',
    'PBSClusterBackend',
    'dask_gateway_server.backends.jobqueue.pbs.PBSBackend',
    'dask_gateway_server.backends.pbs.PBSBackend',
  ])
    assert.equal(findBackend(name), backends.PBSBackend)
  assert.equal(findBackend('JobQueueClusterBackend'), backends.JobQueueBackend)
  assert.equal(
    findBackend('dask_gateway_server.backends.inprocess.InProcessBackend'),
    backends.InProcessBackend,
  )
  assert.equal(findBackend('my.own.Backend'), null)
  assert.equal(findBackend('constructor'), null)
})

test('what is not built says so by name', () => {
  for (const name of ['JobQueueBackend', 'KubeBackend'])
    assert.throws(
      () => findBackend(name)?.create({}, {} as BackendContext),
      (error) => error instanceof GatewayError && error.message.includes(`${name} is not built`),
    )
})

test('every class has each name once, and defaults that its types accept', () => {
  const names = backendSettingsClasses.flatMap((each) => [each.name, ...each.aliases])
  assert.deepEqual(names, [...new Set(names)])
  for (const each of backendSettingsClasses) {
    assert.ok(each.help.endsWith('.'), each.name)
    assert.equal(Object.keys(resolved(each.name)).length, allSettings(each).size)
  }
})

test('local processes have the usual limits and environment', () => {
  const values = resolved('UnsafeLocalBackend')
  const { sigint_timeout, sigterm_timeout, sigkill_timeout } = values
  assert.deepEqual([sigint_timeout, sigterm_timeout, sigkill_timeout], [10, 5, 5])
  assert.deepEqual(values.inherited_environment, [
    ...['PATH', 'PYTHONPATH', 'CONDA_ROOT', 'CONDA_DEFAULT_ENV', 'VIRTUAL_ENV', 'LANG', 'LC_ALL'],
  ])
  assert.deepEqual([values.clusters_directory, values.user], [null, null])
})

test('a setting holds for the classes below, and the nearest wins', () => {
  const set = {
    LocalBackend: { sigint_timeout: 3 },
    UnsafeLocalBackend: { sigint_timeout: 2, sigterm_timeout: 1 },
    DBBackendBase: { cluster_start_timeout: 90 },
  }
  const { sigint_timeout, sigterm_timeout, cluster_start_timeout } = resolved(
    'InProcessBackend',
    set,
  )
  assert.deepEqual([sigint_timeout, sigterm_timeout, cluster_start_timeout], [2, 1, 90])
})

test('the clusters of queues and of YARN have their settings', () => {
  assert.equal(resolved('PBSClusterConfig').staging_directory, '{home}/.dask-gateway/')
  assert.equal(
    resolved('PBSClusterConfig').worker_resource_list,
    'select=1:ncpus={cores}:mem={memory}',
  )
  assert.equal(resolved('SlurmClusterConfig').partition, '')
  assert.equal(resolved('YarnClusterConfig').queue, 'default')
  const file = { source: 'hdfs:///env.tar.gz', visibility: 'public' }
  assert.deepEqual(
    resolved('YarnClusterConfig', {
      YarnClusterConfig: { localize_files: { environment: file, 'a.py': '/a.py' } },
    }).localize_files,
    { environment: { ...file, visibility: 'PUBLIC' }, 'a.py': '/a.py' },
  )
  assert.throws(
    () =>
      resolved('YarnClusterConfig', { YarnClusterConfig: { localize_files: { a: { src: 1 } } } }),
    /test\.py: YarnClusterConfig\.localize_files .*each file must be a source/,
  )
})
