import assert from 'node:assert/strict'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { workingDirectory } from './harness.ts'
import { type CommandResult, leftBehind, runCommand } from './run-command.ts'

const working = workingDirectory('commands')
const directory = working.path
after(() => {
  assert.deepEqual(leftBehind(directory), [])
  working.remove()
})

const run = (argv: readonly string[], env: NodeJS.ProcessEnv = {}) =>
  runCommand(argv, { directory, env })

function written(name: string, text: string): string {
  const path = join(directory, name)
  writeFileSync(path, text)
  return path
}

/** It failed with this sentence alone: no stack, nothing on standard output. */
function assertRefused({ status, stdout, stderr }: CommandResult, sentence: RegExp): void {
  assert.equal(status, 1, stderr)
  assert.match(stderr, /^Error: /)
  assert.match(stderr, sentence)
  assert.doesNotMatch(stderr, /^ +at |Traceback/m)
  assert.equal(stdout, '')
}

test('--version and --help, of each command', async () => {
  const { version } = JSON.parse(
    readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'),
  ) as { version: string }
  assert.deepEqual(await run(['--version']), { status: 0, stdout: `${version}\n`, stderr: '' })
  for (const command of [[], ['generate-config'], ['check-config'], ['proxy']]) {
    const { status, stdout } = await run([...command, '--help'])
    assert.equal(status, 0)
    assert.match(
      stdout,
      new RegExp(`^Usage: dask-gateway-server ${command[0] ?? '\\[COMMAND\\]'} `),
    )
  }
  const all = await run(['--help-all'])
  assert.equal(all.status, 0)
  assert.match(all.stdout, /SIGHUP/)
  for (const name of ['Proxy', 'tls_cert', 'DBBackendBase', 'SlurmClusterConfig', 'partition'])
    assert.ok(all.stdout.includes(name), name)
})

test('an unknown command, option, class or setting is told with the nearest name', async () => {
  const cases: readonly [string, RegExp][] = [
    ['cehck-config', /Unknown command "cehck-config"; did you mean check-config\?/],
    ['--hepl', /Unknown option "--hepl"; did you mean --help\?/],
    ['-f', /-f needs a value/],
    ['--force', /--force belongs to the command generate-config/],
    ['--Proxi.address=:1', /command line: .*no class Proxi; did you mean Proxy\?/],
    ['--Proxy.adress=:1', /command line: Proxy has no setting adress; did you mean address\?/],
    ['--Proxy.max_events=many', /command line: Proxy\.max_events = "many": must be an integer/],
  ]
  for (const [word, sentence] of cases) assertRefused(await run([word]), sentence)
})

test('generate-config writes a file that loads, also with all its lines uncommented', async () => {
  const path = join(directory, 'dask_gateway_config.py')
  const made = await run(['generate-config'])
  assert.deepEqual(made, { status: 0, stdout: `Wrote ${path}\n`, stderr: '' })
  assert.equal(statSync(path).mode & 0o777, 0o600)
  assertRefused(await run(['generate-config']), /config\.py exists; --force writes over it/)
  assert.equal((await run(['generate-config', '--force'])).status, 0)
  assertRefused(
    await run(['generate-config', '--output', 'none/a.py']),
    /The directory .*none does not exist; make it first/,
  )
  const elsewhere = await run(['generate-config', '--output=other.py'])
  assert.equal(elsewhere.stdout, `Wrote ${join(directory, 'other.py')}\n`)

  const found = await run(['check-config'])
  assert.equal(found.status, 0, found.stderr)
  assert.match(found.stdout, /^Configuration +\/.*dask_gateway_config\.py$/m)
  const uncommented = readFileSync(path, 'utf8').replace(/^# ?(?=c\.)/gm, '')
  assert.ok((uncommented.match(/^c\./gm) ?? []).length > 100)
  const checked = await run(['check-config', '-f', written('all.py', uncommented)])
  assert.equal(checked.status, 0, checked.stderr)
})

test('check-config says what would run, from each form of configuration', async () => {
  const forms: readonly [string, string][] = [
    ['a.py', 'c.Proxy.address = ":8123"\nc.Proxy.prefix = "/dask"'],
    ['a.json', '{"Proxy": {"address": ":8123", "prefix": "/dask"}}'],
    [
      'a.ts',
      'export default (c: any): void => { c.Proxy.address = ":8123"; c.Proxy.prefix = "/dask" }',
    ],
    ['a.mjs', 'export default (c) => { c.Proxy.address = ":8123"; c.Proxy.prefix = "/dask" }'],
  ]
  for (const [name, text] of forms) {
    const path = written(name, text)
    const { status, stdout, stderr } = await run(['check-config', '-f', path])
    assert.equal(status, 0, stderr)
    assert.match(stdout, new RegExp(`^Configuration +${path.replaceAll('.', '\\.')}$`, 'm'))
    assert.match(stdout, /^Public address +:8123\/dask$/m)
    assert.match(stdout, /^Backend +UnsafeLocalBackend$/m)
    assert.match(stdout, /^Authenticator +SimpleAuthenticator$/m)
    assert.match(stdout, /^Records +sqlite:\/\/\/dask_gateway\.sqlite$/m)
  }
  const { stdout } = await run(['check-config', '-f', 'a.json', '--Proxy.address=:8124'])
  assert.match(stdout, /:8124\/dask/, 'the command line wins')
})

test('check-config refuses a file that is wrong, with the place in it', async () => {
  const mistakes = written('mistakes.py', 'c.Proxi.address = ":1"\n\nc.Proxy.tls_cert = 3\n')
  const { status, stderr } = await run(['check-config', '-f', mistakes])
  assert.equal(status, 1)
  assert.match(stderr, /mistakes\.py, line 1: .*did you mean Proxy\?$/m)
  assert.match(stderr, /mistakes\.py, line 3: Proxy\.tls_cert = 3: must be a path/)

  const cases: readonly [string, RegExp][] = [
    ['x = 1\nraise ValueError("no moon")', /\.py, line 2: ValueError: no moon\n$/],
    ['import no_such_module', /line 1: No module named 'no_such_module' \(run by Python 3.*\/.*\)/],
    ['c.Proxy.address = (', /line 1: syntax error/],
    ['import sys\nsys.exit()', /line 2: it called sys\.exit/],
  ]
  for (const [text, sentence] of cases)
    assertRefused(await run(['check-config', '-f', written('wrong.py', text)]), sentence)
  assertRefused(
    await run(['check-config', '-f', 'missing.py']),
    /missing\.py cannot be read: it does not exist/,
  )
})

test('a configuration that loops is ended in time, and one that has a limit of no number is told', async () => {
  const loops = written('loops.py', 'x = 1\nwhile True:\n    x = -x\n')
  const argv = ['check-config', '-f', loops]
  const { status, stderr } = await run(argv, { DASK_GATEWAY_CONFIG_TIMEOUT: '1' })
  assert.equal(status, 1)
  assert.match(
    stderr,
    /^Error: .*loops\.py did not come to an end: no answer in 1 s; .*line [23]$/m,
  )
  assertRefused(
    await run(argv, { DASK_GATEWAY_CONFIG_TIMEOUT: 'soon' }),
    /DASK_GATEWAY_CONFIG_TIMEOUT = "soon": must be seconds/,
  )
})

test('check-config refuses what a start would refuse', async () => {
  const backends = 'dask_gateway_server.backends'
  const cases: readonly [string, RegExp][] = [
    [`DaskGateway.backend_class=${backends}.kubernetes.KubeBackend`, /KubeBackend is not built/],
    ['DaskGateway.backend_class=my.own.Backend', /no such part .*written in TypeScript/],
    [
      'KerberosAuthenticator.auth_to_local=["DEFAULT", "RULE:wrong"]',
      /KerberosAuthenticator\.auth_to_local.*must be "DEFAULT" or a rule such as/,
    ],
    [
      'DaskGateway.authenticator_class=dask_gateway_server.auth.JupyterHubAuthenticator',
      /JupyterHubAuthenticator\.jupyterhub_api_url is missing/,
    ],
    ['Proxy.tls_cert=/etc/cert.pem', /Proxy\.tls_cert and Proxy\.tls_key must be set both/],
    ['Proxy.tls_key=/etc/key.pem', /Proxy\.tls_cert and Proxy\.tls_key must be set both/],
    ['Backend.scheduler_networks=["10.0.0.0/33"]', /scheduler_networks.*must be networks/],
    ['DaskGateway.trusted_proxies=["example.org"]', /trusted_proxies.*must be networks/],
    ['DBBackendBase.db_url=postgresql://u:hush@host/x', /PostgreSQL database, which is not built/],
    ['DBBackendBase.db_url=mysql://host/x', /"mysql" is not a known kind of database/],
  ]
  for (const [assignment, sentence] of cases) {
    const result = await run(['check-config', `--${assignment}`, '-f', 'a.json'])
    assertRefused(result, sentence)
    assert.doesNotMatch(result.stderr, /hush/)
  }
  assertRefused(
    await run(['check-config', '--Proxy.tls_cert=/no/cert.pem', '--Proxy.tls_key=/no/key.pem']),
    /Proxy\.tls_cert = \/no\/cert\.pem with Proxy\.tls_key = \/no\/key\.pem: ENOENT/,
  )
})

test('--show-config and --show-config-json print what is set, without secrets', async () => {
  const secrets = [
    '--Proxy.api_token=hush-1',
    '--SimpleAuthenticator.password=hush-2',
    '--DBBackendBase.db_encrypt_keys=["hush-3"]',
    '--DBBackendBase.db_url=postgresql://u:hush-4@host/x',
    '--Proxy.max_events=7',
  ]
  const text = await run(['-f', 'a.json', '--show-config', ...secrets])
  assert.equal(text.status, 0, text.stderr)
  assert.match(text.stdout, /^c\.Proxy\.address = ":8123" {2}# .*a\.json$/m)
  assert.match(text.stdout, /^c\.Proxy\.max_events = 7 {2}# command line$/m)
  const json = await run(['-f', 'a.json', '--show-config-json', ...secrets])
  assert.deepEqual(JSON.parse(json.stdout).Proxy, {
    address: ':8123',
    prefix: '/dask',
    api_token: '********',
    max_events: 7,
  })
  for (const { stdout, stderr } of [text, json]) assert.doesNotMatch(stdout + stderr, /hush/)
})
