import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { root } from '../e2e/harness.ts'

const pins = join(root, 'scripts/python')
const venvPack = 'venv-pack==0.2.0'

/**
 * A Python environment with Dask and dask-gateway, packed by venv-pack as the Hadoop guide has it: the path of its .tar.gz. Made once
 * for the versions that the tests use, and kept in the user's cache (25 MB), as that takes a minute.
 */
export function packedEnvironment(): string {
  const requirements = readFileSync(join(pins, 'requirements.txt'), 'utf8')
  const wanted = [...requirements.matchAll(/^(?:dask|distributed|dask-gateway)==\S+/gm)].map(String)
  const constraints = readFileSync(join(pins, 'constraints.txt'), 'utf8')
  const digest = createHash('sha256')
    .update([...wanted, venvPack, constraints].join('\n'))
    .digest('hex')
    .slice(0, 8)
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
  const path = join(cache, 'dask-gateway', `environment-${digest}.tar.gz`)
  if (existsSync(path)) return path
  mkdirSync(dirname(path), { recursive: true })
  const folder = mkdtempSync(join(tmpdir(), 'environment-'))
  try {
    const run = (program: string, ...words: string[]) =>
      execFileSync(program, words, { stdio: 'inherit', timeout: 300_000 })
    const environment = join(folder, 'example')
    const [python, pack] = ['python', 'venv-pack'].map((name) => join(environment, 'bin', name))
    run('/usr/bin/python3', '-m', 'venv', environment)
    const quietly = ['--quiet', '--disable-pip-version-check']
    const pip = ['-m', 'pip', 'install', ...quietly, '-c', join(pins, 'constraints.txt')]
    run(String(python), ...pip, ...wanted, venvPack)
    // What is made under another name and renamed is whole.
    const made = `${path}.${process.pid}.tar.gz`
    run(String(pack), '--quiet', '--prefix', environment, '--output', made)
    renameSync(made, path)
    return path
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
