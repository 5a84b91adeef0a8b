/**
 * The user and password of an Authorization header, or in words what is wrong with it. RFC 7617: "Basic" SP
 * base64(user-id ":" password). The Python client encodes in Latin-1, browsers and curl in UTF-8: what is valid UTF-8 is taken for that.
 */
export function basicCredentials(
  authorization: string,
): string | { readonly username: string; readonly password: string } {
  const match = /^basic +([A-Za-z0-9+/]+={0,2}) *$/i.exec(authorization)
  if (match === null) {
    return /^basic(?: |$)/i.test(authorization)
      ? 'The Authorization header is malformed: after "Basic" comes base64 of "user:password"'
      : 'This gateway takes an Authorization header of the kind "Basic"'
  }
  const bytes = Buffer.from(match[1] ?? '', 'base64')
  const text = decoded(bytes)
  const colon = text.indexOf(':')
  if (colon < 0) return 'The Authorization header is malformed: no ":" between user and password'
  return { username: text.slice(0, colon), password: text.slice(colon + 1) }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function decoded(bytes: Buffer): string {
  try {
    return utf8.decode(bytes)
  } catch {
    return bytes.toString('latin1')
  }
}
