import { skeletonOf } from '../look-alikes.ts'
import { faultOfName } from '../user-name.ts'

/** Who has which password: bcrypt's hash by user name. */
export type HtpasswdUsers = ReadonlyMap<string, string>

// bcrypt's own bounds are 4 and 31, each step twice the work; from 16 on one check would take many seconds.
const maxCost = 15

/**
 * Reads a file of `htpasswd -B`: lines of NAME:HASH, empty ones, and comments. Throws an Error whose message names the
 * line and never the hash. Names that people would take for the same are a mistake: one of the two is not who they seem.
 */
export function parseHtpasswd(text: string): HtpasswdUsers {
  const users = new Map<string, string>()
  const alike = new Map<string, { readonly name: string; readonly line: number }>()
  for (const [index, raw] of text
    .replace(/^\ufeff/, '')
    .split('\n')
    .entries()) {
    const line = index + 1
    const entry = raw.replace(/\r$/, '')
    if (entry.trim() === '' || entry.startsWith('#')) continue
    const { name, hash } = entryOf(entry, line)
    const skeleton = skeletonOf(name)
    const other = alike.get(skeleton)
    if (other !== undefined) throw new Error(collision(name, line, other))
    alike.set(skeleton, { name, line })
    users.set(name, hash)
  }
  if (users.size === 0) throw new Error('it has no user: add one with htpasswd -B')
  return users
}

function entryOf(entry: string, line: number): { readonly name: string; readonly hash: string } {
  const [name = '', hash] = entry.split(':')
  if (hash === undefined) throw new Error(`line ${line} is none of NAME:HASH`)
  const fault = faultOfName(name)
  if (fault !== null) throw new Error(`line ${line}: ${fault}`)
  if (name.trim() !== name) throw new Error(`line ${line}: the user name has spaces around it`)
  // RFC 8265, section 3.3: user names are compared in this form; one that is not would never be found.
  if (name.normalize('NFC') !== name)
    throw new Error(`line ${line}: the user name is not in Unicode's form NFC`)
  const cost = Number(/^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/.exec(hash)?.[1])
  if (Number.isNaN(cost))
    throw new Error(
      `line ${line}: the password of ${JSON.stringify(name)} is no hash of bcrypt: set it anew with htpasswd -B`,
    )
  if (cost < 4 || cost > maxCost)
    throw new Error(
      `line ${line}: the hash of ${JSON.stringify(name)} has cost ${cost}, and 4 to ${maxCost} are taken: set it anew with htpasswd -B -C 12`,
    )
  return { name, hash }
}

function collision(
  name: string,
  line: number,
  other: { readonly name: string; readonly line: number },
): string {
  return name === other.name
    ? `line ${line}: ${JSON.stringify(name)} is on line ${other.line} already`
    : `line ${line}: ${JSON.stringify(name)} and ${JSON.stringify(other.name)} on line ${other.line} look alike: one user has one name`
}
