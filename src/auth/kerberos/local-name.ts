import type { Principal } from './principal.ts'

/** The user of a principal, or null: this rule has none for it. */
export type Rule = (principal: Principal) => string | null

/*
 * A rule as krb5.conf and Hadoop's core-site.xml have them (auth_to_local):
 *   RULE:[N:TEXT](REGEXP)s/PATTERN/REPLACEMENT/g/L
 * For principals of N components: TEXT, with $0 for the realm and $1, $2, … for the components, must match all of REGEXP, if there
 * is one; then the first match of PATTERN (with g: each) is replaced, which may be said several times; /L makes small letters.
 *   DEFAULT
 * The component of principals that have one.
 */
const substitution = 's\\/([^/]*)\\/([^/]*)\\/(g?)'
const rulePattern = new RegExp(
  `^RULE:\\[(\\d{1,2}):([^\\]]*)\\](?:\\(([^)]*)\\))?((?:${substitution})*)(\\/L)?$`,
)

/** Throws an Error that says what is wrong with it. */
export function parseRule(text: string): Rule {
  if (text.trim() === 'DEFAULT') return defaultRule
  const match = rulePattern.exec(text.trim())
  if (match === null)
    throw new Error('must be "DEFAULT" or a rule such as "RULE:[2:$1@$0](hdfs@EXAMPLE.ORG)s/@.*//"')
  const [, count = '', format = '', condition, substitutions = ''] = match
  const isLowered = match.at(-1) !== undefined
  const matches = condition === undefined ? null : new RegExp(`^(?:${condition})$`)
  const changes = [...substitutions.matchAll(new RegExp(substitution, 'g'))].map(
    ([, pattern = '', replacement = '', all = '']) =>
      [new RegExp(pattern, all), replacement] as const,
  )
  return ({ components, realm }) => {
    if (components.length !== Number(count)) return null
    const words = [realm, ...components]
    const selected = format.replace(/\$(\d+)/g, (_, index: string) => words[Number(index)] ?? '')
    if (matches !== null && !matches.test(selected)) return null
    const name = changes.reduce((changed, [pattern, to]) => changed.replace(pattern, to), selected)
    return isLowered ? name.toLowerCase() : name
  }
}

/** `alice@REALM` is alice; `alice/admin@REALM` is somebody else, or no person. */
export const defaultRule: Rule = ({ components }) =>
  components.length === 1 ? (components[0] ?? null) : null
