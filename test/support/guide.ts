import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { waitFor } from '../fakes/wait-for.ts'
import { as } from './job-queue-tree.ts'

// What follows a guide does, as root on a machine of its own, where the package was installed outside.

export async function step(title: string, act: () => Promise<void>): Promise<void> {
  const begun = performance.now()
  await act()
  console.log(`${title}: ${Math.round(performance.now() - begun)} ms`)
}

/** What `npm install -g --prefix /opt/dask-gateway/miniconda` has made in `installed`, at its place. */
export function placePackage(installed: string): void {
  mkdirSync('/opt/dask-gateway/miniconda', { recursive: true })
  execFileSync('mount', ['--bind', installed, '/opt/dask-gateway/miniconda'])
}

/** The texts of the blocks of one kind of a page in docs/. */
export function blocksOf(name: string): (kind: string) => readonly string[] {
  const page = readFileSync(join(import.meta.dirname, '../../docs', name), 'utf8')
  return (kind) => {
    const found = [...page.matchAll(new RegExp(`^\`\`\`${kind}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))]
    assert.ok(found.length > 0, `${kind}: no such block`)
    return found.map(([, text = '']) => text)
  }
}

/** As root; what it prints. */
export function sh(text: string | undefined): string {
  assert.ok(text !== undefined)
  const { status, stdout, stderr } = spawnSync('/bin/bash', ['-euo', 'pipefail', '-c', text], {
    ...{ encoding: 'utf8', timeout: 150_000, cwd: '/' },
    env: { PATH: '/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8', HOME: '/root' },
  })
  assert.equal(status, 0, `${text}\n${stdout}${stderr}`)
  return stdout
}

/** "start-dask-gateway", as both guides have it. */
export function writeStartScript(): void {
  writeFileSync(
    '/opt/dask-gateway/start-dask-gateway',
    `#!/usr/bin/env bash

export PATH="/opt/dask-gateway/miniconda/bin:$PATH"
cd /var/dask-gateway
dask-gateway-server -f /etc/dask-gateway/dask_gateway_config.py
`,
    { mode: 0o755 },
  )
}

export interface Started {
  readonly child: ChildProcess
  readonly printed: () => string
}

/** Runs the lines that start the gateway; it is ready. */
export async function start(text: string | undefined): Promise<Started> {
  const child = spawn('/bin/bash', ['-c', String(text)], { stdio: ['ignore', 'pipe', 'pipe'] })
  let printed = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      printed += chunk
    })
  await waitFor(
    'the gateway',
    () => {
      if (child.exitCode !== null) throw new Error(`the gateway ended:\n${printed}`)
      return printed.includes('is ready at http://')
    },
    120_000,
  )
  return { child, printed: () => printed }
}

/** As a process manager does: SIGTERM to the gateway itself. */
export async function stop({ child, printed }: Started): Promise<void> {
  const pid = execFileSync('pgrep', ['-u', 'dask', '-f', '/dist/cli/main.js'], { encoding: 'utf8' })
  process.kill(Number(pid), 'SIGTERM')
  await waitFor('its end', () => child.exitCode !== null, 90_000)
  assert.equal(child.exitCode, 0, printed())
  const processes = () => spawnSync('pgrep', ['-u', 'dask'], { encoding: 'utf8' }).stdout
  await waitFor('the end of all processes of dask', () => processes() === '', 90_000)
}

/** A Python session as alice, whose answers must be those that are shown. `modules`: where others of Python's are. */
export function runSession(session: string, python: string, modules = ''): void {
  const program =
    'import doctest, sys; sys.exit(min(1, doctest.testfile(sys.argv[1], module_relative=False).failed))'
  writeFileSync('/tmp/session', session, { mode: 0o644 })
  try {
    as('alice', 'env', `PYTHONPATH=${modules}`, python, '-c', program, '/tmp/session')
  } catch (error) {
    const logs = spawnSync(
      'sh',
      ['-c', 'tail -n 50 /var/log/slurm/slurmctld.log /var/log/hadoop/*.log'],
      {
        encoding: 'utf8',
      },
    )
    throw new Error(`${String(error)}\n${logs.stdout}`)
  }
}
