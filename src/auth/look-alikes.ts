import type { Authenticator, Logger } from '../core/index.ts'
import { mapResults } from './map-results.ts'

// Letters, in lower case, that look like Latin ones in either case: the usual of Unicode's confusables (UTS 39).
const twins: ReadonlyMap<string, string> = new Map(
  [
    ['авсԁеһіјкӏмнорԛѕтуүѵԝх', 'abcdehijklmhopqstyyvwx'],
    ['αβεζηικμνορτυχ', 'abezhikmnoptyx'],
    ['ıɑɡօ', 'iago'],
  ].flatMap(([from = '', to = '']) => [...from].map((letter, at) => [letter, to[at] ?? ''])),
)

/** The same for names that people would take for the same: `alice`, `Alice`, and `аlice` with a Cyrillic letter. */
export function skeletonOf(name: string): string {
  const folded = name.normalize('NFKC').toLowerCase().normalize('NFKC')
  return [...folded].map((letter) => twins.get(letter) ?? letter).join('')
}

const keptMs = 60_000

/**
 * An authenticator that lets nobody in by a name that looks like another's. Whoever is here first has the name, for as long as
 * they are (`inUse`: names of sessions, tokens, clusters and settings). Names differ all the same wherever they are compared:
 * this is so that people, administrators above all, do not take one for another.
 */
export function withoutLookAlikes(
  authenticator: Authenticator,
  inUse: () => Iterable<string>,
  logger: Logger,
  now: () => number = () => performance.now(),
): Authenticator {
  // Anybody may be anybody there.
  if (authenticator.open) return authenticator
  let names = new Map<string, Set<string>>()
  let until = Number.NEGATIVE_INFINITY

  function like(name: string): Set<string> {
    const skeleton = skeletonOf(name)
    const alike = names.get(skeleton) ?? new Set()
    names.set(skeleton, alike)
    return alike
  }

  return mapResults(authenticator, async (result) => {
    if (result.outcome === 'refused') return result
    if (now() >= until) {
      names = new Map()
      for (const name of inUse()) like(name).add(name)
      until = now() + keptMs
    }
    const { name } = result.user
    const alike = like(name)
    if (alike.size === 0 || alike.has(name)) {
      alike.add(name)
      return result
    }
    const holder = [...alike].join(', ')
    logger.warn('A login was refused, as the name looks like that of another', { name, holder })
    return { outcome: 'refused', reason: 'Your user name looks like that of another user here' }
  })
}
