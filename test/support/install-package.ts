import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { root } from '../e2e/harness.ts'

/** The package of this clone as `npm pack` makes it, installed below `folder` as the guides do; its prefix. */
export function installPackageIn(folder: string): string {
  const prefix = join(folder, 'prefix')
  const options = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund']
  npm('install', '-g', '--prefix', prefix, ...options, packIn(folder))
  return prefix
}

/** The package of this clone, packed into `folder`; its path. */
export function packIn(folder: string): string {
  const packed = npm('pack', '--json', '--ignore-scripts', `--pack-destination=${folder}`)
  const [{ filename }] = JSON.parse(packed) as [{ filename: string }]
  return join(folder, filename)
}

/** The machine's npm; what an outer `npm test` has set for its own package must not reach it. */
export function npm(...words: string[]): string {
  const env = Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name))
  return execFileSync('npm', words, {
    cwd: root,
    env: { ...Object.fromEntries(env), NODE_OPTIONS: '' },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 300_000,
  })
}
