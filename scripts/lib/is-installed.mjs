// Exits 0 when node_modules/ of the folder given holds what its package-lock.json names. npm writes its own list
// (node_modules/.package-lock.json) last, so an installation that was cut off is not taken for a whole one.
// Runs on the machine's Node, before ours is there.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const [folder] = process.argv.slice(2)

function packagesIn(file) {
  return JSON.parse(readFileSync(join(folder, file), 'utf8')).packages
}

function isInstalled() {
  try {
    const installed = packagesIn('node_modules/.package-lock.json')
    return (
      existsSync(join(folder, 'node_modules/.bin/node')) &&
      Object.entries(packagesIn('package-lock.json')).every(
        ([path, wanted]) =>
          path === '' ||
          installed[path]?.integrity === wanted.integrity ||
          (installed[path] === undefined && (wanted.optional || wanted.devOptional)),
      )
    )
  } catch {
    return false
  }
}

process.exit(isInstalled() ? 0 : 1)
