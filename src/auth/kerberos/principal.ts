/** A name in Kerberos: `alice@REALM` has one component, `HTTP/host@REALM` two. */
export interface Principal {
  readonly components: readonly string[]
  readonly realm: string
}

const escapes: { readonly [letter: string]: string } = { n: '\n', t: '\t', b: '\b', '0': '\0' }

/**
 * Reads what the library shows (krb5_unparse_name): `/` ends a component and `@` begins the realm, unless a backslash
 * stands before. null: it is no name with a realm.
 */
export function parsePrincipal(text: string): Principal | null {
  const parts: string[] = ['']
  let realmAt: number | null = null
  for (let at = 0; at < text.length; at += 1) {
    const letter = text[at] as string
    if (letter === '/' && realmAt === null) parts.push('')
    else if (letter === '@') {
      if (realmAt !== null) return null
      realmAt = parts.length
      parts.push('')
    } else if (letter === '\\') {
      at += 1
      const escaped = text[at]
      if (escaped === undefined) return null
      parts[parts.length - 1] += escapes[escaped] ?? escaped
    } else parts[parts.length - 1] += letter
  }
  const realm = realmAt === null ? '' : (parts[realmAt] ?? '')
  return realm === '' ? null : { components: parts.slice(0, -1), realm }
}
