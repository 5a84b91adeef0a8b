/** All values of a cookie, in the order sent: paths and old logins may leave several of one name. */
export function cookieValues(header: string | undefined, name: string): readonly string[] {
  if (header === undefined || !header.includes(name)) return []
  const values: string[] = []
  for (const pair of header.split(';')) {
    const equals = pair.indexOf('=')
    if (equals > 0 && pair.slice(0, equals).trim() === name)
      values.push(pair.slice(equals + 1).trim())
  }
  return values
}

/** A `Set-Cookie` header. `maxAgeSeconds` 0 removes the cookie. */
export function setCookie(
  name: string,
  value: string,
  options: {
    readonly maxAgeSeconds: number
    readonly path: string
    readonly secure: boolean
    /** Strict: not even when another site leads here. */
    readonly sameSite?: 'Lax' | 'Strict'
  },
): string {
  return `${name}=${value}; Max-Age=${options.maxAgeSeconds}; Path=${options.path}; HttpOnly; SameSite=${options.sameSite ?? 'Lax'}${options.secure ? '; Secure' : ''}`
}
