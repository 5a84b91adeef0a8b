import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { statSync } from 'node:fs'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { promisify } from 'node:util'
import { freePort, python, root } from '../e2e/harness.ts'
import { waitFor } from '../fakes/wait-for.ts'
import { homeOf, type PeopleGateway, password, peopleGateway } from './people.ts'

const it: PeopleGateway = await peopleGateway()
const alice = homeOf(it.address)
const boss = homeOf(it.address)

/** Runs a command that must succeed, and gives what it printed. */
async function done(words: readonly string[], who = alice): Promise<string> {
  const { status, stdout, stderr } = await who.run(words)
  assert.equal(status, 0, `${words.join(' ')}: ${stderr}`)
  return stdout
}

before(async () => {
  assert.equal((await alice.login('alice')).status, 0)
  assert.equal((await boss.login('boss')).status, 0)
})

test('login keeps the password in a file of the user alone, and whoami tells who it is', async () => {
  const path = join(alice.home, '.config/dask-gateway/logins.json')
  assert.equal(statSync(path).mode & 0o777, 0o600)
  assert.equal(statSync(join(path, '..')).mode & 0o777, 0o700)
  assert.equal(await done(['whoami']), `You are alice at ${it.address}\n`)
  const json = JSON.parse(await done(['whoami', '--json'], boss))
  assert.deepEqual([json.name, json.admin, json.address], ['boss', true, it.address])
})

test('quotas are set, shown and taken back by administrators, and seen by whom they are of', async () => {
  const set = ['admin', 'quota', 'set', 'user', 'alice', 'clusters=50', 'memory=1T', 'cores=none']
  assert.match(await done(set, boss), /^user alice {2}memory {2,}\S+ \w+ {2,}1 TiB {2,}boss at /m)
  const { over, quotas } = JSON.parse(await done(['quota', '--json']))
  assert.equal(over, 'refuse')
  assert.deepEqual(quotas[0].override.limits, { clusters: 50, cores: null, memory: 2 ** 40 })
  assert.match(await done(['quota']), /^user alice {2}clusters {2,}\d+ {2,}50 {2,}boss at /m)
  const lab = ['group', 'a, b/\u202eü']
  await done(['admin', 'quota', 'set', ...lab, 'workers=3'], boss)
  assert.match(
    await done(['admin', 'quota', 'ls'], boss),
    /^group a, b\/\\u\{202e\}ü {2}workers {2,}0 {2,}3/m,
  )
  await done(['admin', 'quota', 'unset', ...lab], boss)
  await done(['admin', 'quota', 'unset', 'user', 'alice'], boss)
  const again = await boss.run(['admin', 'quota', 'unset', 'user', 'alice'])
  assert.deepEqual([again.status, again.stdout], [4, ''])
  assert.match(again.stderr, /No administrator has set a quota of user alice/)
  for (const [words, sentence] of [
    [['set', 'team', 'x', 'cores=1'], /SCOPE: "team" is none of user, group/],
    [['set', 'user', 'x', 'core=1'], /LIMIT: "core=1" is no clusters=…/],
    [['set', 'user', 'x', 'cores=many'], /LIMIT: "cores=many" is no number/],
    [['set', 'user', 'x', 'clusters=1.5'], /clusters must be a whole number of at least 0/],
  ] as const) {
    const { status, stderr } = await boss.run(['admin', 'quota', ...words])
    assert.ok(status === 2 || status === 5, stderr)
    assert.match(stderr, sentence)
  }
  assert.equal((await alice.run(['admin', 'quota', 'ls'])).status, 3)
  const audit = await done(['admin', 'events', '-n', '20'], boss)
  assert.match(
    audit,
    /boss {2}admin-quota-set .*user "alice": clusters 50, cores without limit, memory 1099511627776/,
  )
})

test('a wrong password, none, and a file that others can read are told apart by the exit status', async () => {
  const nobody = homeOf(it.address)
  const wrong = await nobody.run(['login', '-u', 'alice'], 'wrong\n')
  assert.equal(wrong.status, 3)
  assert.match(wrong.stderr, /does not let you in: Wrong user name or password/)
  const none = await nobody.run(['ls'])
  assert.deepEqual([none.status, none.stdout], [3, ''])
  assert.match(none.stderr, /log in: dask-gateway login/)
  assert.equal((await nobody.login('alice')).status, 0)
  const path = join(nobody.home, '.config/dask-gateway/logins.json')
  assert.ok(!(await readFile(path, 'utf8')).includes('wrong'))
  await chmod(path, 0o644)
  const open = await nobody.run(['ls'])
  assert.equal(open.status, 2)
  assert.match(open.stderr, /can be read by others/)
  await chmod(path, 0o600)
  assert.equal((await nobody.run(['logout'])).status, 0)
  assert.equal((await nobody.run(['ls'])).status, 3)
})

test('the address comes from the option, the environment, the last login or the configuration of Dask', async () => {
  const other = homeOf(null)
  const nowhere = `http://127.0.0.1:${await freePort()}`
  const none = await other.run(['whoami'])
  assert.equal(none.status, 2)
  assert.match(none.stderr, /Which gateway\?/)
  await mkdir(join(other.home, '.config/dask'), { recursive: true })
  const yaml = join(other.home, '.config/dask/gateway.yaml')
  await writeFile(
    yaml,
    `# mine\ngateway:\n  # where\n  address: "${it.address}"\n  auth:\n    type: basic\n`,
  )
  assert.match((await other.run(['whoami'])).stderr, /Authentication required/)
  await writeFile(yaml, `gateway:\n  address: ${nowhere}\n`)
  assert.equal(
    (await other.run(['login', '-u', 'x', '--address', it.address], `${password}\n`)).status,
    0,
  )
  assert.equal((await other.run(['whoami'])).status, 0)
  const away = await other.run(['whoami', '--address', nowhere])
  assert.equal(away.status, 6)
  assert.match(away.stderr, /^dask-gateway: http:.* cannot be reached: .*ECONNREFUSED/)
  const secret = await other.run(['whoami', '--address', 'http://a:b@127.0.0.1:1'])
  assert.equal(secret.status, 2)
  assert.match(secret.stderr, /An address holds no password/)
})

test('options are a table that nobody can colour', async () => {
  const text = await done(['options'])
  assert.match(text, /^OPTION {2,}TAKES {2,}DEFAULT {2,}MEANING\n/)
  assert.match(text, /^cores {2,}whole number from 1 to 2 {2,}1 {2,}Cores$/m)
  assert.match(text, /^size {2,}small, large {2,}"small" {2,}Size$/m)
  assert.ok(!text.includes('\x1b'))
  assert.match(text, /A \\x1b\[31mnote\\x1b\[0m/)
  assert.equal(JSON.parse(await done(['options', '--json'])).length, 5)
})

test('a cluster lives by the command alone: create, ls, scale, adapt, logs, events, dashboard, stop', async () => {
  const note = 'x\x1b]0;owned\x07'
  const begun = await alice.run([
    ...['create', '-o', 'cores=2', '-o', 'size=large', '-o', 'fast=yes'],
    ...['-o', `note=${note}`, '--option', 'more={"a": 1}', '--workers', '1'],
  ])
  assert.equal(begun.status, 0, begun.stderr)
  const name = begun.stdout.trim()
  assert.match(name, /^[0-9a-f]{32}$/)
  assert.match(begun.stderr, /begun\n/)
  assert.match(begun.stderr, /PENDING {2}The scheduler /)

  const short = name.slice(0, 8)
  const [cluster] = JSON.parse(await done(['ls', '--json']))
  assert.equal(cluster.name, name)
  assert.deepEqual(cluster.options, {
    ...{ cores: 2, size: 'large', fast: true, note, more: { a: 1 } },
  })
  assert.match(await done(['ls']), new RegExp(`^${name} {2}RUNNING {2}`, 'm'))
  const oneWorker = async () =>
    JSON.parse(await done(['workers', short, '--json'])).find(
      (worker: { status: string }) => worker.status === 'running',
    )
  const worker = await waitFor('a worker', oneWorker, 60_000)
  assert.match(await done(['logs', short]), /Scheduler at: /)
  await waitFor(
    'the log of the worker',
    async () =>
      (await alice.run(['logs', short, '-w', worker.name, '--tail', '5'])).stdout.includes(
        'distributed',
      ),
    30_000,
  )
  const events = await done(['events', short])
  assert.match(events, /cluster-created {2}Created by alice\n/)
  assert.match(events, /cluster-running/)
  const scaled = await alice.run(['scale', short, '9'])
  assert.equal(scaled.status, 0)
  assert.match(scaled.stderr, /4/)
  assert.equal(await done(['adapt', short, '--minimum', '0', '--maximum', '1']), '')
  assert.match(await done(['ls']), /Adapts: 0 to 1 workers/)
  assert.equal(await done(['adapt', short, '--off']), '')
  assert.doesNotMatch(await done(['ls']), /Adapts/)
  const url = (await done(['dashboard', short])).trim()
  assert.equal(url, `${it.address}/clusters/${name}/status`)
  const browser = join(alice.home, 'browser')
  await writeFile(browser, `#!/bin/sh\necho "$@" >${browser}.saw\n`, { mode: 0o755 })
  const opened = await alice.run(['dashboard', short, '--open', '--json'], '', { BROWSER: browser })
  assert.deepEqual(JSON.parse(opened.stdout), { name, url })
  assert.equal(await readFile(`${browser}.saw`, 'utf8'), `${url}\n`)
  const none = await alice.run(['dashboard', short, '--open'], '', { BROWSER: 'no-browser' })
  assert.equal(none.status, 1)
  assert.match(none.stderr, /No browser could be opened: no-browser does not exist/)
  assert.match(await done(['top', '--once']), new RegExp(`^${name}`, 'm'))

  assert.equal(await done(['stop', short, '--wait']), '')
  assert.equal((await alice.run(['scale', name, '1'])).status, 5)
  assert.equal((await alice.run(['dashboard', name])).status, 5)
  assert.match(
    await done(['ls', '--all']),
    new RegExp(`^${name} {2}STOPPED .* Stopped by alice$`, 'm'),
  )
})

test('what the gateway refuses and what is called wrongly say so, with a status each', async () => {
  const cases: readonly [readonly string[], number, RegExp][] = [
    [['create', '-o', 'cores=9'], 5, /cores must be <= 2/],
    [['create', '-o', 'cores=many'], 2, /"many" is no number/],
    [['create', '-o', 'colour=red'], 2, /There is no option "colour"; there are cores, size/],
    [['create', '-o', 'fast=perhaps'], 2, /neither true nor false/],
    [['create', '-o', 'more=[]'], 2, /no JSON object/],
    [['create', '--workers', '-1'], 2, /./],
    [['stop', 'f'.repeat(32)], 4, /Cluster f+ not found/],
    [['stop', 'fff0'], 4, /No cluster's name begins with fff0/],
    [['stop', '\x1b[2J'], 2, /"\\x1b\[2J" is no name of a cluster/],
    [['stop', '😀'.repeat(100)], 2, /is no name of a cluster/],
    [['stop'], 2, /Usage: dask-gateway stop CLUSTER…/],
    [['scale', 'abcd', 'x'], 2, /COUNT must be a whole number/],
    [['ls', '--nonsense'], 2, /Unknown option '--nonsense'/],
    [['\x1b]0;x\x07'], 2, /There is no command "\\x1b\]0;x\\x07"/],
    [['admin', 'ls'], 3, /User alice is no administrator/],
    [[], 2, /^$/],
  ]
  for (const [words, status, sentence] of cases) {
    const result = await alice.run(words)
    assert.equal(result.status, status, `${words.join(' ')}: ${result.stderr}`)
    assert.match(result.stderr, sentence)
    assert.ok(!result.stderr.includes('\x1b'), words.join(' '))
  }
  const json = await alice.run(['stop', 'f'.repeat(32), '--json'])
  assert.deepEqual(JSON.parse(json.stderr), {
    error: `Cluster ${'f'.repeat(32)} not found`,
    code: 'not-found',
  })
})

test('administrators see and stop the clusters of others, drain the gateway, and every action is on record', async () => {
  const name = (await done(['create', '--no-wait'])).trim()
  const other = await homeOf(it.address)
  await other.login('bob')
  assert.match((await other.run(['events', name])).stderr, /User bob lacks permissions/)
  const { clusters } = JSON.parse(await done(['admin', 'ls', '--user', 'alice', '--json'], boss))
  assert.deepEqual(
    clusters.map((each: { name: string }) => each.name),
    [name],
  )
  assert.match(await done(['admin', 'ls', '--status', 'all'], boss), /^USER {2,}NAME/)
  assert.match(await done(['admin', 'health'], boss), /^store +pass$/m)

  assert.match(
    await done(['admin', 'drain', '--message', 'Maintenance at six'], boss),
    /Maintenance/,
  )
  const refused = await alice.run(['create'])
  assert.equal(refused.status, 5)
  assert.match(refused.stderr, /No new clusters are taken at the moment: Maintenance at six\./)
  await it.restart()
  assert.equal((await alice.run(['create'])).status, 5)
  assert.match(await done(['admin', 'drain', '--status'], boss), /by boss: Maintenance at six/)
  assert.equal(await done(['admin', 'drain', '--off'], boss), 'New clusters are taken\n')

  await done(['admin', 'stop', name.slice(0, 9)], boss)
  const stopped = async () =>
    (await done(['ls', '--all'])).includes(`Stopped by the administrator boss`)
  await waitFor('the cluster to show who stopped it', stopped, 60_000)
  const audit = await done(['admin', 'events'], boss)
  for (const what of [
    / {2}alice {2}create [0-9a-f]{32} {2}127\.0\.0\.1/,
    / {2}boss {2}admin-drain {2}127\.0\.0\.1 {2}Maintenance at six/,
    / {2}boss {2}admin-undrain /,
    / {2}boss {2}admin-stop [0-9a-f]{32} of alice /,
  ])
    assert.match(audit, what)
})

test('events are followed over a crash of the gateway, and Ctrl-C ends it cleanly', async () => {
  const name = (await done(['create'])).trim()
  const following = alice.start(['events', '-f', name])
  await waitFor('the first events', () => following.stdout().includes('cluster-running'), 30_000)
  await it.restart()
  await waitFor(
    'the word of the interruption',
    () => following.stderr().includes('Connected again'),
    60_000,
  )
  await done(['stop', name])
  const { status, stdout, stderr } = await following.ended
  assert.equal(status, 0, stderr)
  assert.match(stdout, /cluster-stopped|stop-requested {2}Stopped by alice/)
  const lines = stdout.trim().split('\n')
  assert.equal(new Set(lines).size, lines.length, 'no event came twice')

  const waiting = alice.start(['top', '--json'])
  await waitFor('its first line', () => waiting.stdout() !== '', 30_000)
  waiting.child.kill('SIGINT')
  const ended = await waiting.ended
  assert.deepEqual([ended.status, ended.stderr], [130, ''])
})

test('on a terminal, what goes on is one line, and a stop in the middle leaves the terminal as it was', async () => {
  const script = join(import.meta.dirname, 'terminal.py')
  const { stdout } = await promisify(execFile)(python, [script, join(root, 'bin/dask-gateway')], {
    env: { ...alice.environment, DASK_GATEWAY_TEST_PASSWORD: password, TERM: 'xterm' },
    timeout: 120_000,
  })
  const result = JSON.parse(stdout)
  assert.ok(!result.login.includes(password), 'the password is not shown')
  assert.match(result.login, /You are alice/)
  assert.match(result.create.replaceAll('\r\x1b[K', '<erased>'), /<erased>[0-9a-f]{32} {2}PENDING/)
  assert.match(result.create, /goes on without you; to end it: dask-gateway stop/)
  assert.equal(result.createStatus, 130)
  assert.ok(result.echoes, 'the terminal shows what is typed')
  assert.match(result.top.replaceAll('\x1b[H\x1b[2J', '<screen>'), /<screen>http.*Ctrl-C ends/)
})

test('shells complete commands, options, fields and clusters', async () => {
  const name = (await done(['create', '--no-wait'])).trim()
  const shown = async (words: readonly string[]) =>
    (await done(['__complete', ...words])).trim().split('\n')
  assert.deepEqual(await shown(['cr']), ['create'])
  const admin = await shown(['admin', ''])
  for (const word of [
    'ls',
    'stop',
    'logs',
    'drain',
    'events',
    'health',
    'tokens',
    'revoke',
    'quota',
  ])
    assert.ok(admin.includes(word), word)
  assert.deepEqual(await shown(['admin', 'quota', 's']), ['set'])
  assert.deepEqual(await shown(['ls', '--a']), ['--all', '--address'])
  assert.deepEqual(await shown(['create', '-o', 'c']), ['cores='])
  assert.deepEqual(await shown(['stop', name.slice(0, 4)]), [name])
  const ask: { readonly [shell: string]: string } = {
    bash: 'eval "$(dask-gateway completion bash)"; COMP_WORDS=(dask-gateway crea); COMP_CWORD=1; _dask_gateway; echo "$COMPREPLY"',
    zsh: 'compdef() { :; }; eval "$(dask-gateway completion zsh)"; compadd() { print -l -- $candidates; }; words=(dask-gateway crea); CURRENT=2; _dask_gateway',
    fish: 'dask-gateway completion fish | source; complete -C "dask-gateway crea"',
  }
  for (const [shell, line] of Object.entries(ask)) {
    const { stdout } = await promisify(execFile)(shell, ['-c', line], { env: alice.environment })
    assert.equal(stdout.trim(), 'create', shell)
  }
  await done(['stop', name])
})

test('what was used is a table, JSON and CSV: own clusters, and for administrators those of all', async () => {
  const amounts = 'cluster_seconds,worker_seconds,core_seconds,memory_byte_seconds'
  assert.match(
    await done(['usage', '--csv', '--by', 'user,month']),
    new RegExp(`^month,user,${amounts}\n(?:\\d{4}-\\d\\d,alice(?:,[\\d.]+){4}\n)?$`),
  )
  assert.match(await done(['usage']), /^DAY {2,}CLUSTER HOURS {2,}WORKER HOURS/)
  const { from, to, by } = JSON.parse(await done(['usage', '--json', '--from', '2026-01-01']))
  assert.deepEqual([from, by], ['2026-01-01', ['day']])
  assert.match(to, /^\d{4}-\d\d-\d\d$/)
  assert.match(await done(['admin', 'usage', '-u', 'alice'], boss), /^USER {2,}CLUSTER HOURS/)
  for (const [words, status] of [
    [['usage', '--by', 'colour'], 2],
    [['usage', '--from', '2026-02-30'], 5],
    [['admin', 'usage'], 3],
  ] as const)
    assert.equal((await alice.run(words)).status, status, words.join(' '))
})
