// Completes package-lock.json: `npm install` leaves out optional packages that the registry in use does not carry (builds
// for other systems), and `npm ci` then refuses the file. Each gets an entry that names version and system, so that it is
// in step, and skipped on Linux. Run after every `npm install` that changes the file; --check only looks.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const file = join(import.meta.dirname ?? '.', '../../package-lock.json')
const lock = JSON.parse(readFileSync(file, 'utf8'))
const added = []

for (const owner of Object.values(lock.packages))
  for (const [name, version] of Object.entries(owner.optionalDependencies ?? {})) {
    const path = `node_modules/${name}`
    if (lock.packages[path] !== undefined) continue
    added.push(name)
    lock.packages[path] = {
      version,
      ...(owner.dev ? { dev: true } : {}),
      optional: true,
      ...systemOf(name),
    }
  }

if (added.length > 0 && process.argv.includes('--check')) {
  console.error(
    `package-lock.json has no entry for ${added.join(', ')}; run: node scripts/lib/complete-lock.mjs`,
  )
  process.exit(1)
}
if (added.length > 0) {
  lock.packages = Object.fromEntries(
    Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)),
  )
  writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`)
  console.log(`added ${added.join(', ')}`)
}

/** "@biomejs/cli-linux-x64-musl" says for which system it is. */
function systemOf(name) {
  if (name.endsWith('-wasm32-wasi')) return { cpu: ['wasm32'] }
  const [, os, cpu, abi] =
    /-(android|darwin|freebsd|linux|openbsd|openharmony|win32)-(arm64|arm|x64|ppc64|s390x)(?:-(\w+))?$/.exec(
      name,
    ) ?? []
  if (os === undefined)
    throw new Error(`${name} does not say for which system it is; write its entry by hand`)
  const libc = { gnu: 'glibc', musl: 'musl' }[abi]
  return { os: [os], cpu: [cpu], ...(libc === undefined ? {} : { libc: [libc] }) }
}
