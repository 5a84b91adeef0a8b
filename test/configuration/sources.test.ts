import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  generateConfig,
  settingsClasses,
  settingsReference,
  showConfig,
  showConfigJson,
} from '../../src/config/index.ts'
import { allSettings } from '../../src/core/index.ts'
import { alice, given, load, loadText, temporaryDirectory, written } from './support.ts'

test('c has the manners of traitlets', async (t) => {
  const configuration = await loadText(
    t,
    `
import pathlib
c = get_config()
c["Proxy"]["prefix"] = "/dask"
c.Proxy["tls_cert"] = pathlib.Path("/etc/cert.pem")
c.Proxy.update(tls_key="/etc/key.pem")
c.SimpleAuthenticator = {"password": "sesame"}
c.LocalBackend.inherited_environment.append("A")
c.LocalBackend.inherited_environment.extend(["B", "C"])
c.LocalBackend.inherited_environment.prepend(["FIRST"])
c.Backend.scheduler_networks += ["10.0.0.0/8"]
c.ClusterConfig.environment.update({"X": "1"})
c.ClusterConfig.environment.update(Y="2")
c.LocalClusterConfig.environment.update(Z="3")
c.Backend.scheduler_networks.append("192.168.0.0/16")
if c.Proxy.gateway_url:
    raise AssertionError("reading sets nothing")
assert "gateway_url" not in [k for k, v in c.Proxy.items() if v]
assert __file__.endswith("dask_gateway_config.py")
c.DBBackendBase.cluster_heartbeat_period = 2.0
c.DBBackendBase.parallelism = 10**1
c.KubeClusterConfig.anything_at_all = 1
c.JupyterHubAuthenticator.jupyterhub_api_url = ""
`,
  )
  assert.equal(given(configuration, 'Proxy', 'prefix'), '/dask')
  assert.equal(given(configuration, 'Proxy', 'tls_cert'), '/etc/cert.pem')
  assert.equal(given(configuration, 'Proxy', 'gateway_url'), undefined)
  const inherited = given(configuration, 'LocalBackend', 'inherited_environment') as string[]
  assert.deepEqual([inherited[0], ...inherited.slice(-3)], ['FIRST', 'A', 'B', 'C'])
  assert.ok(inherited.includes('PATH'))
  assert.deepEqual(given(configuration, 'LocalClusterConfig', 'environment'), {
    X: '1',
    Y: '2',
    Z: '3',
  })
  assert.deepEqual(given(configuration, 'Backend', 'scheduler_networks'), [
    '10.0.0.0/8',
    '192.168.0.0/16',
  ])
  assert.equal(given(configuration, 'DBBackendBase', 'cluster_heartbeat_period'), 2)
})

test('load_subconfig, beside the file, and passed over when it is not there', async (t) => {
  const directory = temporaryDirectory(t)
  writeFileSync(join(directory, 'more.py'), 'c.Proxy.prefix = "/" + str(len(get_config()))\n')
  const main = join(directory, 'main.py')
  writeFileSync(main, 'load_subconfig("more.py")\nload_subconfig("absent.py")\nx = 1')
  const configuration = await load(t, main)
  assert.equal(given(configuration, 'Proxy', 'prefix'), '/0')
  assert.equal(
    configuration.assignments.get('Proxy')?.get('prefix')?.source,
    `${join(directory, 'more.py')}, line 1`,
  )
  assert.match(configuration.notes.join(), /there is no .*absent\.py; passed over/)
})

test('every dotted name can be imported, and gives that class', async (t) => {
  const names = settingsClasses.flatMap(({ dottedNames }) => dottedNames)
  const imports = names.map((name) => {
    const at = name.lastIndexOf('.')
    return `from ${name.slice(0, at)} import ${name.slice(at + 1)}\n`
  })
  assert.ok(imports.length > 20)
  await loadText(
    t,
    `${imports.join('')}import dask_gateway_server.backends.kubernetes.controller\nc.DaskGateway.backend_class = InProcessBackend`,
  )
})

test('our names win over an installed server of the same name', async (t) => {
  const other = temporaryDirectory(t)
  const { mkdirSync } = await import('node:fs')
  mkdirSync(join(other, 'dask_gateway_server'))
  writeFileSync(join(other, 'dask_gateway_server/__init__.py'), 'raise ImportError("the old one")')
  await loadText(
    t,
    `import sys\nsys.path.insert(0, ${JSON.stringify(other)})\nimport dask_gateway_server.auth`,
  )
})

test('later files and the command line win; its values are literals or text as the setting wants', async (t) => {
  const json = written(t, '{"Proxy": {"prefix": "/json", "address": ":1"}}', 'a.json')
  const configuration = await load(t, null, {
    files: [
      written(
        t,
        'c.Proxy.prefix = "/python"\nc.Proxy.address = ":2"\nc.LocalBackend.inherited_environment = ["A"]',
      ),
      json,
    ],
    commandLine: [
      '--Proxy.address=127.0.0.1:3',
      '--SimpleAuthenticator.password=1234',
      '--LocalBackend.sigint_timeout=2.5',
      '--LocalBackend.inherited_environment=[\'B\', "C"]',
      '--ClusterConfig.worker_memory=4 G',
      '--ClusterConfig.environment={"A": 1, \'B\': "two"}',
      '--ClusterConfig.cluster_max_workers=None',
      '--DBBackendBase.stop_clusters_on_shutdown=false',
      "--SlurmClusterConfig.partition='long'",
      '--ClusterConfig.worker_cmd=["dask", "worker"]',
      '--DaskGateway.log_level=debug',
      '--PBSClusterBackend.cluster_start_timeout=9',
    ],
  })
  const value = (name: string, setting: string) => given(configuration, name, setting)
  assert.equal(value('Proxy', 'prefix'), '/json')
  assert.equal(value('Proxy', 'address'), '127.0.0.1:3')
  assert.equal(value('SimpleAuthenticator', 'password'), '1234')
  assert.equal(value('LocalBackend', 'sigint_timeout'), 2.5)
  assert.deepEqual(value('LocalBackend', 'inherited_environment'), ['B', 'C'])
  assert.equal(value('ClusterConfig', 'worker_memory'), '4 G')
  assert.deepEqual(value('ClusterConfig', 'environment'), { A: 1, B: 'two' })
  assert.equal(value('ClusterConfig', 'cluster_max_workers'), null)
  assert.equal(value('DBBackendBase', 'stop_clusters_on_shutdown'), false)
  assert.equal(value('SlurmClusterConfig', 'partition'), 'long')
  assert.deepEqual(value('ClusterConfig', 'worker_cmd'), ['dask', 'worker'])
  assert.equal(value('PBSBackend', 'cluster_start_timeout'), 9)
  const { gatewaySettings } = await import('../../src/config/index.ts')
  assert.equal(configuration.get(gatewaySettings).log_level, 'debug')
  await assert.rejects(load(t, null, { commandLine: ['--Proxy'] }), /--Class\.setting=value/)
  await assert.rejects(
    load(t, null, { commandLine: ['--Proxy.adress=1'] }),
    /command line: Proxy has no setting adress; did you mean address/,
  )
})

test('DaskGateway.config_file on the command line names the file, and it must be there', async (t) => {
  const file = written(t, 'c.Proxy.prefix = "/named"')
  const configuration = await load(t, null, {
    commandLine: [`--DaskGateway.config_file=${file}`],
  })
  assert.deepEqual(configuration.sources, [file])
  await assert.rejects(
    load(t, null, { commandLine: ['--DaskGateway.config_file=/no/such.py'] }),
    /such\.py cannot be read: it does not exist/,
  )
})

test('the class of cluster settings may be named, if it is one that the backend can use', async (t) => {
  const named = (name: string) =>
    loadText(
      t,
      `c.DaskGateway.backend_class = "PBSBackend"\nc.Backend.cluster_config_class = "${name}"\nc.JobQueueClusterConfig.worker_cores = 5`,
    )
  const pbs = settingsClasses.find(({ name }) => name === 'PBSClusterConfig') ?? assert.fail()
  for (const name of [
    '',
    'JobQueueClusterConfig',
    'dask_gateway_server.backends.base.ClusterConfig',
  ])
    assert.equal((await named(name)).clusterSettings(pbs)({}).settings.worker_cores, 5, name)
  const slurm = await named('SlurmClusterConfig')
  assert.throws(
    () => slurm.clusterSettings(pbs),
    /names SlurmClusterConfig, which this backend cannot use/,
  )
})

test('TypeScript: sync and async, handlers, a callable of the user', async (t) => {
  const configuration = await load(
    t,
    written(
      t,
      `export default async (c: any, { Options, Integer, String }: any) => {
  await Promise.resolve()
  c.Proxy.prefix = '/ts'
  c.Backend.cluster_options = async (user: { name: string }) => Options(
    Integer('n', { default: 2, min: 1, max: 4, target: 'cores' }), String('act'),
    { handler: async (options: any) => {
      if (options.act === 'raise') throw new Error('Ask for less, ' + user.name)
      if (options.act === 'hang') await new Promise(() => {})
      if (options.act === 'junk') return 3
      return { worker_cores: options.cores }
    } },
  )
  c.DaskGateway.handler_timeout = 0.05
}`,
      'config.ts',
    ),
  )
  const { clusterOptions } = configuration
  assert.equal(given(configuration, 'Proxy', 'prefix'), '/ts')
  assert.deepEqual((await clusterOptions.fieldsFor(alice))[0]?.spec, {
    type: 'int',
    min: 1,
    max: 4,
  })
  const act = (what: string) => clusterOptions.settingsFor(alice, { n: 3, act: what })
  assert.deepEqual(await act('work'), { worker_cores: 3 })
  await assert.rejects(act('raise'), { code: 'invalid', message: 'Ask for less, alice' })
  await assert.rejects(act('hang'), { code: 'internal', message: /did not answer within 0\.05 s/ })
  await assert.rejects(act('junk'), { code: 'internal', message: /no object of cluster settings/ })
})

test('generate-config loads, and loads again with every line uncommented', async (t) => {
  const generated = generateConfig(settingsClasses)
  const configuration = await loadText(t, generated)
  assert.equal(configuration.assignments.size, 0)
  const all = generated.replaceAll(/^# (?=c\.)/gm, '')
  const declared = settingsClasses.flatMap((each) => Object.keys(each.settings).length)
  assert.equal(
    all.match(/^c\.\w+\.\w+ = /gm)?.length,
    declared.reduce((a, b) => a + b, 0),
  )
  const full = await loadText(t, all)
  const empty = await load(t, null)
  for (const each of settingsClasses) assert.deepEqual(full.get(each), empty.get(each), each.name)
})

test('the reference names every class and setting', () => {
  const reference = settingsReference(settingsClasses)
  for (const each of settingsClasses) {
    assert.match(reference, new RegExp(`^## ${each.name}$`, 'm'))
    for (const name of Object.keys(each.settings)) assert.ok(reference.includes(`| \`${name}\` |`))
  }
  assert.ok(allSettings(settingsClasses[0] ?? assert.fail()).size > 5)
})

test('--show-config masks secrets', async (t) => {
  const configuration = await loadText(
    t,
    `
c.SimpleAuthenticator.password = "hush-1"
c.DBBackendBase.db_encrypt_keys = ["hush-2"]
c.JupyterHubAuthenticator.jupyterhub_api_token = "hush-3"
c.ClusterConfig.environment = {"AWS_SECRET_ACCESS_KEY": "hush-4", "LANG": "C"}
c.DBBackendBase.db_url = "postgresql://gateway:hush-5@db/gateway"
`,
  )
  const shown = showConfig(configuration)
  assert.ok(!shown.includes('hush'), shown)
  assert.ok(!showConfigJson(configuration).includes('hush'))
  const json = showConfigJson(await loadText(t, 'c.Proxy.prefix = "/x"'))
  assert.deepEqual(JSON.parse(json), { Proxy: { prefix: '/x' } })
  assert.match(shown, /c\.ClusterConfig\.environment = \{.*"LANG": "C"\}/)
  assert.match(shown, /postgresql:\/\/gateway:\*+@db\/gateway/)
})
