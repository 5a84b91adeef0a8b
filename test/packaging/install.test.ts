import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { npm } from '../support/install-package.ts'

// The package as people get it: packed, installed below a prefix, and called by users, by sudo and through links, on a
// machine whose own Node is another one or missing.

const root = join(import.meta.dirname, '../..')
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  version: string
}
const isRoot = process.getuid?.() === 0
const hasGateway = existsSync(join(root, 'src/cli/main.ts'))

let folder: string
let prefix: string
let packed: readonly string[]
const command = (name: string) => join(prefix, 'bin', name)

before(() => {
  // Below /tmp itself: the last step of the path must be open to other users.
  folder = mkdtempSync(join(tmpdir(), 'package-'))
  chmodSync(folder, 0o755)
  prefix = join(folder, 'prefix')
  // `npm test` has compiled what is there; compiling again would take it from under a gateway.
  if (!existsSync(join(root, 'dist/cli/main.js')))
    execFileSync(join(root, 'scripts/build'), { stdio: 'inherit' })
  const report = npm('pack', '--json', '--ignore-scripts', `--pack-destination=${folder}`)
  const [tarball] = JSON.parse(report) as [{ filename: string; files: { path: string }[] }]
  packed = tarball.files.map((file) => file.path)
  npm(
    'install',
    '--global',
    `--prefix=${prefix}`,
    '--ignore-scripts',
    '--prefer-offline',
    join(folder, tarball.filename),
  )
})

after(() => {
  rmSync(folder, { recursive: true, force: true })
})

describe('the package', () => {
  test('holds what runs and what is read, and nothing else', () => {
    const allowed =
      /^(bin|deploy|dist|python|examples|docs)\/|^(package\.json|README\.md|LICENSE|CHANGELOG\.md)$/
    assert.deepEqual(
      packed.filter((path) => !allowed.test(path)),
      [],
    )
    assert.deepEqual(
      packed.filter((path) => /\.test\.|__pycache__|\.pyc$|\.stamp$|\.sqlite/.test(path)),
      [],
    )
    for (const path of [
      'LICENSE',
      'README.md',
      'bin/dask-gateway',
      'bin/dask-gateway-server',
      'bin/dask-gateway-jobqueue-launcher',
    ])
      assert.ok(packed.includes(path), `${path} is missing`)
  })

  test('names no path of the machine that made it', () => {
    const installed = join(prefix, 'lib/node_modules/dask-gateway-server')
    const found = spawnSync('grep', ['-rlF', root, ...packed], { cwd: installed, encoding: 'utf8' })
    assert.equal(found.stdout, '')
    assert.equal(found.status, 1, found.stderr)
  })

  test('brings its own Node, of the pinned version', () => {
    const { optionalDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    const installed = join(prefix, 'lib/node_modules')
    const name = `node-linux-${process.arch}`
    const node = [installed, join(installed, 'dask-gateway-server/node_modules')]
      .map((modules) => join(modules, name, 'bin/node'))
      .find(existsSync)
    assert.ok(node, `${name} is not installed`)
    assert.equal(run(node, ['--version']).stdout, `v${optionalDependencies[name]}\n`)
  })

  test('has a lock file in step with package.json, naming no registry', () => {
    run(process.execPath, [join(root, 'scripts/lib/complete-lock.mjs'), '--check'])
    assert.doesNotMatch(readFileSync(join(root, 'package-lock.json'), 'utf8'), /"resolved"/)
  })
})

describe('dask-gateway-server', {
  skip: hasGateway ? false : 'src/cli/main.ts is not there',
}, () => {
  test('runs from the clone', () => assertVersion(join(root, 'bin/dask-gateway-server')))
  test('runs from the installation', () => assertVersion(command('dask-gateway-server')))
  test('runs without any PATH', () => assertVersion(command('dask-gateway-server'), { env: {} }))
  test('runs with an empty PATH', () =>
    assertVersion(command('dask-gateway-server'), { env: { PATH: '' } }))

  test('runs where another Node is first on PATH', () => {
    const bin = join(folder, 'other-node')
    mkdirSync(bin)
    symlinkSync('/bin/false', join(bin, 'node'))
    assertVersion(command('dask-gateway-server'), { env: { PATH: `${bin}:/usr/bin:/bin` } })
  })

  test('runs through further links', () => {
    const link = join(folder, 'a link to the gateway')
    symlinkSync(command('dask-gateway-server'), link)
    assertVersion(link)
  })

  test('is not moved by options meant for another Node', () => {
    assertVersion(command('dask-gateway-server'), {
      env: { NODE_OPTIONS: '--require=/nonexistent.js', NODE_PATH: '/nonexistent' },
    })
  })

  test('runs under sudo as another user', { skip: isRoot ? false : 'needs root' }, () => {
    const { stdout } = run('sudo', ['-nHu', 'nobody', command('dask-gateway-server'), '--version'])
    assert.ok(stdout.includes(version), stdout)
  })
})

describe('dask-gateway-server that is not whole says what to do', () => {
  test('a clone without dependencies', () => {
    const clone = halfClone('bare', [])
    assertFails(
      join(clone, 'bin/dask-gateway-server'),
      /its dependencies are not installed; run: cd '.*' && npm ci/,
    )
  })

  test('a clone that is not built', () => {
    const clone = halfClone('unbuilt', ['node_modules'])
    assertFails(join(clone, 'bin/dask-gateway-server'), /not built; run: cd '.*' && npm run build/)
  })
})

describe('dask-gateway', () => {
  test('runs from the installation, without any PATH', () => {
    const { status, stdout } = spawnSync(command('dask-gateway'), ['--version'], {
      env: {},
      encoding: 'utf8',
    })
    assert.deepEqual([status, stdout], [0, `dask-gateway ${version}\n`])
  })
})

describe('dask-gateway-jobqueue-launcher', () => {
  const name = 'dask-gateway-jobqueue-launcher'
  const ask = (program: string, ...programArguments: string[]) => {
    const input = '{"verb":"version"}'
    const ended = spawnSync(program, programArguments, { encoding: 'utf8', timeout: 60_000, input })
    return JSON.parse(ended.stdout) as { ok: boolean; version?: string; error?: string }
  }
  for (const where of ['clone', 'installation'] as const)
    test(`answers (${where})`, () => {
      const reply = ask(where === 'clone' ? join(root, 'bin', name) : command(name))
      if (isRoot) assert.match(reply.error ?? '', /never runs as root/)
      else assert.equal(reply.version, version)
    })

  test('answers under sudo too', { skip: isRoot ? false : 'needs root' }, () => {
    const reply = ask('sudo', '-nHu', 'nobody', command(name))
    assert.match(reply.error ?? '', /never runs as an account of the system/)
  })
})

/** A copy of what finds the package, with links to some of the rest. */
function halfClone(name: string, linked: readonly string[]): string {
  const clone = join(folder, name)
  mkdirSync(clone)
  for (const path of ['bin', 'package-lock.json', 'tsconfig.build.json'])
    execFileSync('cp', ['-R', join(root, path), clone])
  for (const path of linked) symlinkSync(join(root, path), join(clone, path))
  return clone
}

function assertVersion(program: string, options: { env?: NodeJS.ProcessEnv } = {}): void {
  const { stdout } = run(program, ['--version'], options.env)
  assert.ok(stdout.includes(version), `${program} --version printed ${stdout}`)
}

function assertFails(
  program: string,
  sentence: RegExp,
  programArguments: readonly string[] = [],
): void {
  const ended = spawnSync(program, programArguments, { encoding: 'utf8', timeout: 30_000 })
  assert.match(ended.stderr, sentence)
  assert.equal(ended.status, 2)
}

function run(program: string, programArguments: readonly string[], env?: NodeJS.ProcessEnv) {
  const ended = spawnSync(program, programArguments, {
    encoding: 'utf8',
    timeout: 60_000,
    ...(env === undefined ? {} : { env }),
  })
  assert.equal(ended.status, 0, `${program} ${programArguments.join(' ')}: ${ended.stderr}`)
  return ended
}
