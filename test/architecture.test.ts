import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { test } from 'node:test'

// The picture in ARCHITECTURE.md, as data: each folder of src/ and what it may import. A folder may name only
// folders further down this list, so a cycle cannot be written.
const mayImport: Record<string, readonly string[]> = {
  cli: [
    'config',
    'api',
    'clusters',
    'dashboards',
    'proxy',
    'auth',
    'backends',
    'store',
    'core',
    'launcher',
    'hadoop',
    'kerberos',
    'util',
  ],
  config: ['api', 'clusters', 'dashboards', 'proxy', 'auth', 'backends', 'store', 'core', 'util'],
  api: ['clusters', 'core', 'util'],
  clusters: ['core', 'util'],
  dashboards: ['core', 'util'],
  proxy: ['core', 'util'],
  auth: ['core', 'kerberos', 'util'],
  backends: ['core', 'launcher', 'hadoop', 'kerberos', 'util'],
  store: ['core', 'util'],
  core: ['util'],
  launcher: [],
  hadoop: ['kerberos'],
  kerberos: [],
  util: [],
}

const root = join(import.meta.dirname, '..')
const src = join(root, 'src')
const order = Object.keys(mayImport)
const folderOf = (path: string) => relative(src, path).split('/')[0] ?? ''
const importPath =
  /^\s*(?:import|export)\b(?:[^'"]*?\bfrom)?\s*['"](\.[^'"]+)['"]|\bimport\(\s*['"](\.[^'"]+)['"]/gm

test('the list itself points down', () => {
  for (const [folder, targets] of Object.entries(mayImport))
    for (const target of targets)
      assert.ok(order.indexOf(target) > order.indexOf(folder), `${folder} -> ${target} points up`)
})

test('src/ holds exactly the folders of the picture', () => {
  assert.deepEqual(readdirSync(src).sort(), [...order].sort())
})

for (const file of readdirSync(src, { recursive: true, encoding: 'utf8' }).sort()) {
  if (!file.endsWith('.ts') || /\.(test|fixture)\.ts$/.test(file)) continue
  test(`imports of ${file}`, () => {
    const from = folderOf(join(src, file))
    const allowed = mayImport[from] ?? []
    for (const [, staticPath, dynamicPath] of readFileSync(join(src, file), 'utf8').matchAll(
      importPath,
    )) {
      const target = join(src, dirname(file), staticPath ?? dynamicPath ?? '')
      const to = folderOf(target)
      if (to === from) continue
      assert.ok(
        allowed.includes(to),
        `${from}/ may not import ${to}/; it may import: ${allowed.join(', ')}`,
      )
      assert.equal(relative(join(src, to), target), 'index.ts', `reach ${to}/ through its index.ts`)
    }
  })
}

test('only util/package-files.ts knows where it lies: a bundle lies elsewhere', () => {
  const knowing = readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .filter((file) => readFileSync(join(src, file), 'utf8').includes('import.meta'))
  assert.deepEqual(knowing, ['util/package-files.ts'])
})

// client/ runs in browsers and other people's programs: the SDK is whole by itself, and the command knows only the SDK, and in one
// file the tool for tickets.
const client = join(root, 'client')
const anyImport = /^\s*(?:import|export)\b(?:[^'"]*?\bfrom)?\s*['"]([^'"]+)['"]/gm

for (const file of readdirSync(client, { recursive: true, encoding: 'utf8' }).sort()) {
  if (!/^(?:src|command|examples)\/.*\.ts$/.test(file) || file.endsWith('.test.ts')) continue
  test(`imports of client/${file}`, () => {
    const allowed = file.startsWith('src/')
      ? /^\.\/[^/]+$/
      : file === 'command/kerberos-login.ts'
        ? /^(?:\.\.\/src|\.\.\/\.\.\/src\/kerberos)\/index\.ts$/
        : /^(?:node:[a-z/_]+|\.\/[^/]+|\.\.\/src\/index\.ts)$/
    for (const [, path = ''] of readFileSync(join(client, file), 'utf8').matchAll(anyImport))
      assert.match(path, allowed)
  })
}

// web/ is made for browsers: it knows the gateway by the SDK alone.
const web = join(root, 'web')

for (const file of readdirSync(web, { recursive: true, encoding: 'utf8' }).sort()) {
  if (!file.endsWith('.ts') || file.endsWith('.test.ts')) continue
  test(`imports of web/${file}`, () => {
    for (const [, path = ''] of readFileSync(join(web, file), 'utf8').matchAll(anyImport)) {
      const target = relative(root, join(web, dirname(file), path))
      assert.match(target, /^(?:web\/.+|client\/src\/index)\.ts$/)
    }
  })
  test(`web/${file} makes no text markup`, () => {
    const text = readFileSync(join(web, file), 'utf8')
    assert.doesNotMatch(
      text,
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|srcdoc|eval\(/,
    )
  })
}
