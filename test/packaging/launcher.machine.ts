import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

// What launcher.scenario.ts needs on its machine: two users, a gateway's account, the package where the guide has it, and a
// queue that notes what it was told.

const root = join(import.meta.dirname, '../..')
const prefix = '/opt/dask-gateway/miniconda'
export const launcher = `${prefix}/bin/dask-gateway-jobqueue-launcher`
export const homeOf = (user: string) => `/opt/homes/${user}`

/** Its answer is the file /etc/fake-queue, a piece of shell; what it was told lies in `told`. */
const fakeQueue = `#!/bin/sh
count=$(ls "$HOME"/.told 2>/dev/null | wc -l)
mkdir -p "$HOME/.told/$count"
printf '%s\\n' "$0" "$@" > "$HOME/.told/$count/argv"
env > "$HOME/.told/$count/env"
cat > "$HOME/.told/$count/stdin"
pwd > "$HOME/.told/$count/pwd"
. /etc/fake-queue
`

export function prepareMachine(): void {
  run('groupadd', 'dask_users')
  run('useradd', '--create-home', 'dask')
  mkdirSync('/opt/homes')
  for (const user of ['alice', 'bob']) {
    run('useradd', '--create-home', '--home-dir', homeOf(user), '--groups', 'dask_users', user)
    chmodSync(homeOf(user), 0o700)
  }
  const modules = `${prefix}/lib/node_modules/dask-gateway-server`
  for (const name of ['bin', 'dist', 'package.json'])
    cpSync(join(root, name), join(modules, name), { recursive: true })
  const node = `node_modules/node-linux-${process.arch}`
  mkdirSync(join(modules, node), { recursive: true })
  run('mount', '--bind', join(root, node), join(modules, node))
  mkdirSync(`${prefix}/bin`)
  symlinkSync(`${modules}/bin/dask-gateway-jobqueue-launcher`, launcher)
  run('chown', '-R', 'root:root', prefix)
  for (const name of ['sbatch', 'scancel', 'squeue', 'qsub', 'qdel', 'qstat'])
    writeFileSync(`/usr/local/bin/${name}`, fakeQueue, { mode: 0o755 })
  answerWith('echo 42')
  rmSync('/etc/dask-gateway', { recursive: true, force: true })
}

/** What the queue's commands do from now on, and what they were told is forgotten. */
export function answerWith(shell: string): void {
  writeFileSync('/etc/fake-queue', `${shell}\n`, { mode: 0o644 })
  for (const user of ['alice', 'bob'])
    rmSync(`${homeOf(user)}/.told`, { recursive: true, force: true })
}

export function allowInSudo(text: string): void {
  writeFileSync('/etc/sudoers.d/dask', text, { mode: 0o440 })
  run('visudo', '-c', '-f', '/etc/sudoers.d/dask')
}

/** As the gateway's account calls it. */
export function sudo(user: string, argv: readonly string[], input: string | Buffer = '') {
  return as('dask', ['sudo', '-n', '-H', '-u', user, ...argv], input)
}

export function as(user: string, argv: readonly string[], input: string | Buffer = '') {
  return spawnSync('runuser', ['-u', user, '--', ...argv], {
    cwd: '/',
    input,
    encoding: 'utf8',
    timeout: 90_000,
    maxBuffer: 256 * 1024 * 1024,
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', SBATCH_WRAP: 'id', LD_PRELOAD_NONE: 'x' },
  })
}

/** Shell as that user, which must succeed. */
export function shell(user: string, text: string): string {
  return sure(as(user, ['/bin/sh', '-ec', `cd ${homeOf(user)}; ${text}`])).stdout
}

export function run(command: string, ...argv: string[]): string {
  return sure(spawnSync(command, argv, { encoding: 'utf8' })).stdout
}

function sure(ended: SpawnSyncReturns<string>): SpawnSyncReturns<string> {
  if (ended.status !== 0)
    throw new Error(`ended with ${ended.signal ?? ended.status}: ${ended.stderr} ${ended.error}`)
  return ended
}
