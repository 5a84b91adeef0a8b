import type { DashboardTarget } from '../core/index.ts'

/** How one gets in: by a login, by a random key in the path (or a login), or not asked at all. */
export type DashboardAuth = 'login' | 'link' | false

/** What a report shows as `dashboard_route`; the public prefix is not part of it (wire-protocol.md, 4.3). */
export function dashboardRoute(target: DashboardTarget, auth: DashboardAuth): string {
  const pass = auth === 'link' ? `/~${target.key}` : ''
  return `/clusters/${target.clusterName}${pass}/status`
}

/** A path (or URL) for logs: what opens a dashboard is cut out. */
export function redactPath(path: string): string {
  return path.replace(/(\/clusters\/[^/?#]*\/+)(?:~|%7e)[^/?#]*/gi, '$1~REDACTED')
}

/** `/clusters/NAME[/~PASS][/REST][?QUERY]`, split and otherwise untouched. */
export interface DashboardPath {
  readonly clusterName: string
  /** What follows `~`: a session or a key. null: there is none. */
  readonly pass: string | null
  /** The path at the dashboard: empty, or beginning with `/`. */
  readonly rest: string
  /** Empty, or beginning with `?`. */
  readonly query: string
}

/**
 * null: no path of a dashboard. Nothing is decoded or normalised: dots and escapes mean something to the
 * dashboard alone, and can lead nowhere but to that same dashboard.
 */
export function parseDashboardPath(url: string): DashboardPath | null {
  if (!/^[\x21-\x7e]*$/.test(url) || url.includes('#')) return null
  const match = /^\/clusters\/([0-9a-z]{1,63})(?:\/~([^/?]*))?(\/[^?]*)?(\?.*)?$/.exec(url)
  if (match === null) return null
  const [, clusterName = '', pass = null, rest = '', query = ''] = match
  return { clusterName, pass, rest, query }
}
