import assert from 'node:assert/strict'
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { ConfigurationRequest } from '../../src/config/index.ts'
import { GatewayError } from '../../src/core/index.ts'
import { listeningLogger, load, loadText, temporaryDirectory, written } from './support.ts'

const configurationError = (message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof GatewayError, String(error))
  assert.equal(error.code, 'configuration')
  assert.match(error.message, message)
  return true
}

const pythonCases: readonly [string, string, RegExp][] = [
  ['raises', 'x = 1\n\nraise ValueError("no\\nway")', /config\.py, line 3: ValueError: no/],
  [
    'raises within a function of a library',
    'import json\ndef f():\n    json.loads("{")\nf()',
    /config\.py, line 3: JSONDecodeError/,
  ],
  [
    'imports what is missing',
    '\nimport surely_missing',
    /config\.py, line 2: No module named 'surely_missing' \(run by Python 3\.\d+\.\d+, \/.*python.*\)\. Install it for that Python, or name another with --python or DASK_GATEWAY_PYTHON/,
  ],
  ['has a syntax error', 'c.Proxy.address = = 1', /config\.py, line 1: syntax error: invalid/],
  ['has a null byte', 'c.Proxy.x = 1\0', /config\.py.*null bytes/],
  ['calls sys.exit', 'import sys\nsys.exit(4)', /config\.py, line 2: it called sys\.exit\(4\)/],
  ['ends the process', 'import os\nos._exit(5)', /ended the Python that ran it: exit code 5/],
  [
    'names an unknown class',
    '\nc.Proxi.address = ":1"',
    /config\.py, line 2: Proxi\.address: there is no class Proxi; did you mean Proxy\?/,
  ],
  [
    'names an unknown setting',
    'c["Proxy"]["adress"] = ":1"',
    /config\.py, line 1: Proxy has no setting adress; did you mean address\?/,
  ],
  [
    'has values of wrong types, also for what is not in use',
    'c.SlurmClusterConfig.worker_cores = "many"\nc.Proxy.address = 8000\nc.YarnClusterConfig.worker_memory = "4 X"',
    /line 1: SlurmClusterConfig\.worker_cores = "many": must be an integer.*\n.*line 2: Proxy\.address = 8000: must be "host:port"\n.*line 3: YarnClusterConfig\.worker_memory = "4 X": must be bytes/,
  ],
  [
    'has a secret of the wrong type',
    'c.SimpleAuthenticator.password = 123456',
    /SimpleAuthenticator\.password = \(secret\): must be a string$/,
  ],
  [
    'inherits from a part',
    'from dask_gateway_server.auth import Authenticator\nclass Mine(Authenticator):\n    pass',
    /line 2: TypeError: Mine cannot inherit from dask_gateway_server\.auth\.Authenticator.*TypeScript.*CONTRIBUTING/,
  ],
  [
    'gives a class of its own',
    'class Mine: pass\nc.DaskGateway.authenticator_class = Mine',
    /line 2: c\.DaskGateway\.authenticator_class is the Python class .*Mine.*TypeScript/,
  ],
  [
    'names a class of its own',
    'c.DaskGateway.authenticator_class = "mine.auth.MyAuthenticator"',
    /there is no such part in this gateway.*TypeScript/,
  ],
  [
    'misspells a part',
    'c.DaskGateway.backend_class = "dask_gateway_server.backends.slurm.SlurmBackend"',
    /Did you mean dask_gateway_server\.backends\.jobqueue\.slurm\.SlurmBackend/,
  ],
  [
    'uses an authenticator as the backend',
    'c.DaskGateway.backend_class = "dask_gateway_server.auth.SimpleAuthenticator"',
    /SimpleAuthenticator is no Backend/,
  ],
  [
    'uses what is not built',
    'from dask_gateway_server.backends.kubernetes import KubeBackend\nc.DaskGateway.backend_class = KubeBackend',
    /line 2: DaskGateway\.backend_class = .*KubeBackend is not built yet/,
  ],
  ['assigns to no class', 'c.address = 1', /line 1: TypeError: c\.address = … is no setting/],
  [
    'gives an object as a value',
    'c.ClusterConfig.environment = {"A": object()}',
    /line 1: c\.ClusterConfig\.environment\['A'\] is of the type object/,
  ],
  [
    'gives options that are none',
    'c.Backend.cluster_options = {"cores": 1}',
    /cluster_options must be Options/,
  ],
  [
    'declares a default that its own limits refuse',
    'from dask_gateway_server.options import *\nInteger("cores", min=1)',
    /line 2: ValueError: cores must be >= 1\.000000, got 0/,
  ],
  [
    'changes a setting that is no list',
    'c.Proxy.address.append(":1")',
    /line 1: Proxy\.address cannot be changed so: it is no list/,
  ],
]

for (const [what, text, message] of pythonCases)
  test(`Python that ${what}`, async (t) => {
    await assert.rejects(loadText(t, text), configurationError(message))
  })

test('Python that loops is stopped, and the error says where it was', async (t) => {
  await assert.rejects(
    loadText(t, 'x = 1\nwhile True:\n    x = -x', { evaluationLimitMs: 500 }),
    configurationError(
      /config\.py did not come to an end: no answer in 0\.5 s; it was at .*config\.py, line [23]$/,
    ),
  )
})

test('the stack of what Python raises is logged where it tells more than the error', async (t) => {
  const { logger, lines } = listeningLogger()
  await assert.rejects(loadText(t, 'raise ValueError("no moon")', { logger }))
  assert.deepEqual(lines, [])
  const deep = 'def moon():\n    raise ValueError("no moon")\n\nmoon()'
  await assert.rejects(loadText(t, deep, { logger }), configurationError(/line 2: ValueError/))
  const stack = lines.join('\n')
  assert.match(stack, /line 4, in <module>[\s\S]*line 2, in moon/)
  assert.doesNotMatch(stack, /dask_gateway_evaluator/, 'our own frames tell nobody anything')
})

test('what a configuration prints goes to the log and hurts nothing', async (t) => {
  const { logger, lines } = listeningLogger()
  await loadText(t, 'import os\nprint("printed")\nos.write(1, b"raw\\n")', { logger })
  assert.ok(lines.includes('printed') && lines.includes('raw'), lines.join('\n'))
})

test('files that are not there, or cannot be read', async (t) => {
  const directory = temporaryDirectory(t)
  await assert.rejects(
    load(t, join(directory, 'missing.py')),
    configurationError(/missing\.py cannot be read: it does not exist/),
  )
  await assert.rejects(load(t, directory), configurationError(/it is a directory/))
  const absent = await load(t, null, { defaultFile: join(directory, 'dask_gateway_config.py') })
  assert.deepEqual(absent.sources, [])
  const folder = join(directory, 'dask_gateway_config.py')
  mkdirSync(folder)
  await assert.rejects(load(t, null, { defaultFile: folder }), configurationError(/directory/))
})

test('a file that its user may not read', async (t) => {
  const file = written(t, '{}', 'a.json')
  chmodSync(file, 0)
  const isRoot = process.geteuid?.() === 0
  if (isRoot) process.seteuid?.(65534) // root reads everything
  try {
    await assert.rejects(load(t, file), configurationError(/may not read it/))
  } finally {
    if (isRoot) process.seteuid?.(0)
  }
})

test('JSON and modules that are wrong', async (t) => {
  const cases: readonly [string, string, RegExp][] = [
    ['a.json', '{"Proxy": {"address": ":1",}}', /a\.json is no JSON: .*line 1 column 28/],
    ['a.json', '[]', /a\.json must hold an object/],
    ['a.json', '{"Proxy": ":1"}', /Proxy must be an object of settings/],
    ['a.json', '{"__proto__": {"x": 1}}', /there is no class __proto__/],
    ['a.json', '{"Proxy": {"__proto__": 1}}', /Proxy has no setting __proto__/],
    [
      'a.json',
      '{"Backend": {"cluster_options": {"fields": [{"type": "integer", "field": "a"}]}}}',
      /Backend\.cluster_options\.fields\.0\.type: type must be string, bool, int/,
    ],
    [
      'a.json',
      '{"Backend": {"cluster_options": {"fields": [{"type": "int", "field": "a", "min": 1}]}}}',
      /the default: a must be >= 1\.000000, got 0/,
    ],
    ['a.ts', 'export const c = 1', /a\.ts.*must export a function by default/],
    ['a.ts', 'export default () => {\n  throw new Error("no way")\n}', /a\.ts, line 2: no way/],
    ['a.mjs', 'import "./missing.mjs"', /a\.mjs.*missing\.mjs/],
    ['a.ts', 'export default (c: any) => { c.Proxi.address = 1 }', /a\.ts: .*did you mean Proxy/],
  ]
  for (const [name, text, message] of cases)
    await assert.rejects(load(t, written(t, text, name)), configurationError(message), text)
})

test('a Python that is missing, too old, or none at all', async (t) => {
  const directory = temporaryDirectory(t)
  const file = written(t, '')
  const old = join(directory, 'old')
  writeFileSync(old, '#!/bin/sh\necho \'{"version": "3.8.20", "executable": "/old"}\'\n')
  const silent = join(directory, 'silent')
  writeFileSync(silent, '#!/bin/sh\necho not a snake >&2\nexit 3\n')
  for (const each of [old, silent]) chmodSync(each, 0o755)
  const cases: readonly [string, RegExp][] = [
    [join(directory, 'none'), /--python names .*none, which is no program/],
    ['no-such-python', /--python names no-such-python/],
    [old, /is Python 3\.8\.20; configurations need Python 3\.9 or newer/],
    [silent, /could not be started as a Python: it ended \(exit code 3\) not a snake/],
  ]
  for (const [python, message] of cases)
    await assert.rejects(load(t, file, { python }), configurationError(message), python)
})

test('Python is found by DASK_GATEWAY_PYTHON, python3, python, in this order', async (t) => {
  const { findPython } = await import('../../src/config/find-python.ts')
  const [first, second] = [temporaryDirectory(t), temporaryDirectory(t)]
  const PATH = `${first}:${second}`
  assert.throws(
    () => findPython(null, { PATH }),
    configurationError(/has neither python3 nor python/),
  )
  symlinkSync(process.execPath, join(first, 'python'))
  assert.equal(findPython(null, { PATH }), join(first, 'python'))
  symlinkSync(process.execPath, join(second, 'python3'))
  assert.equal(findPython(null, { PATH }), join(second, 'python3'))
  const DASK_GATEWAY_PYTHON = join(first, 'python')
  assert.equal(findPython(null, { PATH, DASK_GATEWAY_PYTHON }), DASK_GATEWAY_PYTHON)
  assert.equal(findPython('python3', { PATH, DASK_GATEWAY_PYTHON }), join(second, 'python3'))
})

test('a configuration without Python needs none', async (t) => {
  const more: Partial<ConfigurationRequest> = { python: '/no/such/python' }
  const configuration = await load(t, written(t, '{"Proxy": {"address": ":1"}}', 'a.json'), more)
  assert.equal(configuration.assignments.get('Proxy')?.get('address')?.value, ':1')
})

test('a configuration that fails leaves no process behind', async (t) => {
  const marker = written(t, 'import os\nraise ValueError(os.getpid())')
  const failure = await load(t, marker).then(
    () => assert.fail('it loaded'),
    (error: Error) => error,
  )
  const pid = /ValueError: (\d+)/.exec(failure.message)?.[1]
  assert.ok(pid)
  assert.ok(
    !readdirSync('/proc').includes(pid) ||
      readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z'),
  )
})
