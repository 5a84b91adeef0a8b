import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Command } from '../../core/index.ts'
import { packageFolder, shellQuoted } from '../../util/index.ts'
import { programOf } from '../job-queue/command-lines.ts'

export const folder = '.dask-gateway'
const modules = [
  '__main__.py',
  'credentials.py',
  'dask_command.py',
  'digest.py',
  'home.py',
  'manager.py',
  'master.py',
  'nodes.py',
  'rpc.py',
  'wire.py',
] as const
const ending = 'END-OF-THIS-FILE'

/**
 * The command of a container: our program (python/container/) runs in it after the setup, by the Python that is found then.
 *
 * Everybody can read a container's command, so there is nothing secret in it. YARN puts it between double quotes into a script of its own,
 * hence base64. Everything that is said goes to one file, whose name makes YARN tell its last lines when the container fails.
 */
export function containerCommand(
  role: 'master' | 'worker',
  setup: string,
  command: Command,
): string {
  return packedScript(containerScript(role, setup, command))
}

/** A script as a container's command. */
export function packedScript(script: string): string {
  const packed = gzipSync(script, { level: 9 }).toString('base64')
  return `echo ${packed}|base64 -d|gzip -d>${folder}.sh;exec /bin/bash ${folder}.sh 1><LOG_DIR>/stderr 2>&1`
}

function containerScript(role: 'master' | 'worker', setup: string, command: Command): string {
  const beside = programOf(command)
  const pythons = ['python3', 'python', ...(beside.includes('/') ? [`"$beside"/python`] : [])]
  return [
    ...modulesWritten(modules.map((name) => join('python/container', name))),
    ...(setup === '' ? [] : [setup]),
    ...(beside.includes('/') ? [`beside=$(dirname -- ${beside})`] : []),
    `for python in ${pythons.join(' ')}; do`,
    `  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null || continue`,
    `  exec "$python" ${folder} ${shellQuoted(role)}`,
    'done',
    "echo 'dask-gateway: there is no Python 3.9 or newer on PATH: the setup must bring one' >&2",
    'exit 127',
    '',
  ].join('\n')
}

/** Lines that write files of our package into a folder that only the user can read. */
export function modulesWritten(paths: readonly string[]): readonly string[] {
  return [
    `(umask 077; mkdir ${folder}) || exit 1`,
    ...paths.flatMap((path) => [
      `cat >${folder}/${basename(path)} <<'${ending}'`,
      readFileSync(join(packageFolder, path), 'utf8').trimEnd(),
      ending,
    ]),
  ]
}
