import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { waitFor } from '../fakes/wait-for.ts'

// What the guide for job queues has an administrator do, on a machine of its own with the accounts dask, alice and bob.

const root = resolve(import.meta.dirname, '../..')
const prefix = '/opt/dask-gateway/miniconda'

// The entry of the guide, word for word.
const sudoers = `
Cmnd_Alias DASK_GATEWAY_JOBQUEUE_LAUNCHER = /opt/dask-gateway/miniconda/bin/dask-gateway-jobqueue-launcher

dask ALL=(%dask_users,!root) NOPASSWD:DASK_GATEWAY_JOBQUEUE_LAUNCHER
`

/** Software, rights and configuration, and for alice a miniconda with a `dask` but no `dask-scheduler`: `python`'s environment. */
export function installByGuide(configuration: string, python: string): void {
  const modules = `${prefix}/lib/node_modules/dask-gateway-server`
  for (const name of ['bin', 'dist', 'python', 'package.json'])
    cpSync(join(root, name), join(modules, name), { recursive: true })
  mkdirSync(join(modules, 'node_modules'))
  execFileSync('mount', ['--bind', join(root, 'node_modules'), join(modules, 'node_modules')])
  mkdirSync(`${prefix}/bin`)
  for (const name of ['dask-gateway-server', 'dask-gateway-jobqueue-launcher'])
    symlinkSync(`${modules}/bin/${name}`, `${prefix}/bin/${name}`)
  const owned = [`${prefix}/bin`, `${modules}/bin`, `${modules}/dist`]
  execFileSync('chown', ['-R', '--no-dereference', 'root:root', ...owned])
  writeFileSync('/etc/sudoers.d/dask', sudoers, { mode: 0o440 })
  execFileSync('visudo', ['-c', '-f', '/etc/sudoers.d/dask'])
  mkdirSync('/etc/dask-gateway', { recursive: true })
  writeFileSync('/etc/dask-gateway/dask_gateway_config.py', configuration)
  mkdirSync('/var/dask-gateway')
  execFileSync('chown', ['dask', '/var/dask-gateway'])
  const environment = '/home/alice/miniconda/bin'
  as('alice', ['mkdir', '-p', environment])
  const bin = dirname(python)
  for (const name of ['dask', 'python'])
    writeFileSync(`${environment}/${name}`, `#!/bin/sh\nexec ${bin}/${name} "$@"\n`, {
      mode: 0o755,
    })
  writeFileSync(`${environment}/activate`, 'export ACTIVATED="$1"\n')
}

/** The gateway, as the guide's script starts it. `log`: what it has said. */
export async function startByGuide() {
  const identity = ['--reuid=dask', '--regid=dask', '--init-groups']
  const command = [
    `${prefix}/bin/dask-gateway-server`,
    '-f',
    '/etc/dask-gateway/dask_gateway_config.py',
  ]
  const child = spawn('setpriv', [...identity, ...command], {
    cwd: '/var/dask-gateway',
    env: { PATH: `${prefix}/bin:/usr/bin:/bin`, HOME: '/home/dask', LANG: 'C.UTF-8' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let log = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      log += text
    })
  await waitFor(
    'the gateway',
    async () => {
      if (child.exitCode !== null) throw new Error(`the gateway ended:\n${log}`)
      return (await fetch('http://cluster:8000/readyz').catch(() => null))?.ok
    },
    60_000,
  )
  return { child, log: () => log }
}

/** Runs a command to its end as an ordinary user; what it said. */
export function as(user: string, argv: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync('/usr/sbin/runuser', ['-u', user, '--', ...argv], {
    ...{ cwd: '/', encoding: 'utf8', timeout: 240_000, killSignal: 'SIGKILL' },
    env: { PATH: '/usr/bin:/bin', HOME: `/home/${user}`, USER: user, LANG: 'C.UTF-8' },
  })
  assert.equal(status, 0, `${argv.join(' ')}\n${stdout}\n${stderr}`)
  return stdout
}
