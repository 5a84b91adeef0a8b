import type { IncomingHttpHeaders } from 'node:http'

// Browsers alone send these headers, and pages cannot forge them (Fetch standard, "forbidden request-header"); the
// Python client sends neither. A dashboard is somebody's code on our own host, and sandboxed: its requests come with
// `Origin: null` and `Sec-Fetch-Site: cross-site`.

/** What no request to the API may carry, however it is authenticated. */
export function isRefusedEverywhere(headers: IncomingHttpHeaders): boolean {
  return headers['sec-fetch-site'] === 'cross-site' || headers.origin === 'null'
}

/** Whether a page of another origin sent this; then a cookie does not count for a change of state. */
export function isForeign(headers: IncomingHttpHeaders): boolean {
  const site = headers['sec-fetch-site']
  if (site !== undefined) return site !== 'same-origin' && site !== 'none'
  const { origin } = headers
  if (origin === undefined) return false
  return !URL.canParse(origin) || new URL(origin).host !== canonicalHost(origin, headers.host)
}

// Host as a browser would write it in an Origin: without the scheme's own port, in lower case.
function canonicalHost(origin: string, host: string | undefined): string | null {
  const scheme = origin.startsWith('https:') ? 'https' : 'http'
  const url = `${scheme}://${host ?? ''}`
  return URL.canParse(url) ? new URL(url).host : null
}
