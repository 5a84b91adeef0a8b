import { isIP } from 'node:net'

/** Where HTTP is asked: the URL as users have it, and the host and port that are really connected to. */
export interface Place {
  /** What to call it in sentences. */
  readonly url: string
  readonly secure: boolean
  readonly host: string
  readonly port: number
  /** The path before every route; empty, or /a/b. */
  readonly prefix: string
}

/** An http:// or https:// URL; null: it is none. */
export function placeOf(url: string): Place | null {
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) return null
  const { protocol, hostname, port, pathname } = new URL(url)
  const secure = protocol === 'https:'
  return {
    url: url.replace(/\/+$/, ''),
    secure,
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? (secure ? 443 : 80) : Number(port),
    prefix: pathname.replace(/\/+$/, ''),
  }
}

/** The name for SNI: addresses have none (RFC 6066, 3). */
export function serverNameOf(host: string): string {
  return isIP(host) === 0 ? host : ''
}
