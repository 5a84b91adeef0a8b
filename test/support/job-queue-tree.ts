import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { waitFor } from '../fakes/wait-for.ts'

// The folders of the install guide on a machine with a queue: package, configuration, sudoers, a user's own Python.

const root = resolve(import.meta.dirname, '../..')
export const prefix = '/opt/dask-gateway/miniconda'
export const configurationFile = '/etc/dask-gateway/dask_gateway_config.py'

/** The entry of the guide, word for word. */
export const guideSudoers = `
Cmnd_Alias DASK_GATEWAY_JOBQUEUE_LAUNCHER = /opt/dask-gateway/miniconda/bin/dask-gateway-jobqueue-launcher

dask ALL=(%dask_users,!root) NOPASSWD:DASK_GATEWAY_JOBQUEUE_LAUNCHER
`

/** All that the guide has an administrator do before the start, and a Python for alice. */
export function installByGuide(configuration: string, python: string): void {
  installPackage()
  allowInSudo(guideSudoers)
  configure(configuration)
  lendPython('alice', python)
}

/** As `npm install -g` leaves it, all of it root's; the dependencies are lent, as they are many. */
export function installPackage(): void {
  const modules = `${prefix}/lib/node_modules/dask-gateway-server`
  for (const name of ['bin', 'dist', 'python', 'package.json'])
    cpSync(join(root, name), join(modules, name), { recursive: true })
  mkdirSync(join(modules, 'node_modules'))
  mkdirSync(`${prefix}/bin`)
  for (const name of ['dask-gateway-server', 'dask-gateway-jobqueue-launcher'])
    symlinkSync(`${modules}/bin/${name}`, `${prefix}/bin/${name}`)
  execFileSync('chown', ['-R', '--no-dereference', 'root:root', '/opt/dask-gateway'])
  // Whatever umask the clone was made with: npm sets modes itself.
  execFileSync('chmod', ['-R', 'go-w', '/opt/dask-gateway'])
  execFileSync('mount', ['--bind', join(root, 'node_modules'), join(modules, 'node_modules')])
}

export function allowInSudo(text: string): void {
  writeFileSync('/etc/sudoers.d/dask', text, { mode: 0o440 })
  execFileSync('visudo', ['-c', '-q', '-f', '/etc/sudoers.d/dask'])
}

/** The folders of configuration and records. */
export function configure(configuration: string): void {
  mkdirSync('/etc/dask-gateway', { recursive: true })
  writeFileSync(configurationFile, configuration)
  mkdirSync('/var/dask-gateway', { recursive: true })
  execFileSync('chown', ['dask', '/var/dask-gateway'])
}

/** In place of the user's own miniconda: the environment of the tests, which has a `dask` but no `dask-scheduler`. */
export function lendPython(user: string, python: string): void {
  const folder = `/home/${user}/miniconda/bin`
  mkdirSync(folder, { recursive: true })
  for (const name of ['dask', 'python'])
    writeFileSync(`${folder}/${name}`, `#!/bin/sh\nexec ${dirname(python)}/${name} "$@"\n`, {
      mode: 0o755,
    })
  writeFileSync(`${folder}/activate`, 'export ACTIVATED="$1"\n')
  execFileSync('chown', ['-R', `${user}:`, `/home/${user}/miniconda`])
}

const asDask = ['setpriv', '--reuid=dask', '--regid=dask', '--init-groups'] as const
const daskEnvironment = {
  ...{ PATH: `${prefix}/bin:/usr/bin:/bin`, HOME: '/home/dask', USER: 'dask', LANG: 'C.UTF-8' },
}

/** A command as the gateway's account, in its working directory. */
export function spawnAsDask(
  ...words: readonly string[]
): ChildProcess & { readonly text: () => string } {
  const [program = '', ...rest] = [...asDask, ...words]
  const child = spawn(program, rest, {
    ...{ cwd: '/var/dask-gateway', env: daskEnvironment, stdio: ['ignore', 'pipe', 'pipe'] },
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
  return Object.assign(child, { text: () => text })
}

/** Ready, with `Proxy.address` on port 8000. */
export async function startGateway() {
  const child = spawnAsDask('dask-gateway-server', '-f', configurationFile)
  await waitFor(
    'the gateway',
    async () => {
      if (child.exitCode !== null) throw new Error(`the gateway ended:\n${child.text()}`)
      return (await fetch('http://cluster:8000/readyz').catch(() => null))?.ok
    },
    60_000,
  )
  return child
}

export function as(user: string, ...argv: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync('/usr/sbin/runuser', ['-u', user, '--', ...argv], {
    ...{ cwd: '/', encoding: 'utf8', timeout: 240_000, killSignal: 'SIGKILL' },
    env: { PATH: '/usr/bin:/bin', HOME: `/home/${user}`, USER: user, LANG: 'C.UTF-8' },
  })
  assert.equal(status, 0, `${argv.join(' ')}\n${stdout}\n${stderr}`)
  return stdout
}
