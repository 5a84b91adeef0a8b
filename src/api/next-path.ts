const somewhere = 'http://gateway.invalid'

/**
 * Where to go after a login: only a path below our prefix, in the form a browser will make of it; null for anything
 * else. `//host`, `/\host`, `/..//host` and control characters (which browsers drop) all lead elsewhere in some browser.
 */
export function safeNextPath(next: string | null | undefined, prefix: string): string | null {
  if (next === null || next === undefined || next.length > 2048) return null
  if (!isPlain(next) || !next.startsWith('/') || next.startsWith('//')) return null
  if (!URL.canParse(next, somewhere)) return null
  const url = new URL(next, somewhere)
  if (url.origin !== somewhere || url.pathname.startsWith('//')) return null
  if (!url.pathname.startsWith(`${prefix}/`)) return null
  const decoded = decodedPath(url.pathname)
  if (decoded === null || !isPlain(decoded) || /\/\/|\/\.\.?(\/|$)/.test(decoded)) return null
  return `${url.pathname}${url.search}`
}

/** Printable ASCII without the backslash, which browsers take for a slash. */
function isPlain(text: string): boolean {
  return /^[\x21-\x5b\x5d-\x7e]*$/.test(text)
}

function decodedPath(path: string): string | null {
  try {
    return decodeURIComponent(path)
  } catch {
    return null
  }
}
