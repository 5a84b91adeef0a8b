import { lstatSync, readlinkSync, type Stats } from 'node:fs'
import { resolve } from 'node:path'
import { systemWords } from './failure.ts'

/**
 * Why others than root could put something else in this path's place; null: nobody can. Each directory and each link on
 * the way, and what stands at the end, must be root's and not writable by others.
 */
export function distrust(path: string): string | null {
  let rest = parts(path)
  let here = '/'
  let linksLeft = 20
  const faultOfTop = distrustEntry('/', lstatSync('/'))
  if (faultOfTop !== null) return faultOfTop
  while (rest.length > 0) {
    const [name = '', ...further] = rest
    const next = resolve(here, name)
    const found = look(next)
    if (typeof found === 'string') return found
    const fault = distrustEntry(next, found)
    if (fault !== null) return fault
    if (!found.isSymbolicLink()) {
      here = next
      rest = further
      continue
    }
    linksLeft -= 1
    if (linksLeft === 0) return `${path} goes through too many links`
    const target = readlinkSync(next)
    // Step by step, as the system goes: what ".." means depends on where a link before it leads.
    rest = [...parts(target), ...further]
    if (target.startsWith('/')) here = '/'
  }
  return null
}

function parts(path: string): string[] {
  return path.split('/').filter((name) => name !== '')
}

function look(path: string): Stats | string {
  try {
    return lstatSync(path)
  } catch (error) {
    return `${path}: ${systemWords(error)}`
  }
}

function distrustEntry(path: string, stats: Stats): string | null {
  if (stats.uid !== 0) return `${path} belongs to uid ${stats.uid}, not to root`
  // A link has no mode of its own; the directory that holds it decides who may change it.
  if (!stats.isSymbolicLink() && (stats.mode & 0o022) !== 0)
    return `${path} can be written by others than root (mode ${(stats.mode & 0o7777).toString(8)})`
  return null
}
