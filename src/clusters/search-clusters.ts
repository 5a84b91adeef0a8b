import { detailsOf } from './cluster-details.ts'
import type { ClusterPosition, ClusterSearch, FoundClusters } from './cluster-service.ts'
import type { Entry, Records } from './records.ts'
import { shownStatus } from './shown-status.ts'

/** One page of those that match, the newest first. Looks at each cluster once, and counts workers only of those shown. */
export function searchClusters(records: Records, search: ClusterSearch): FoundClusters {
  const { username, limit, after } = search
  const entries = username === null ? records.all() : records.ofUser(username)
  const matches = [...entries].filter(matcherOf(search))
  matches.sort((a, b) => order(positionOf(a), positionOf(b)))
  const start =
    after === null ? 0 : matches.findIndex((entry) => order(positionOf(entry), after) > 0)
  const page = start < 0 ? [] : matches.slice(start, start + limit)
  const last = page.at(-1)
  const isLast = last === undefined || start + limit >= matches.length
  return {
    clusters: page.map(detailsOf),
    total: matches.length,
    next: isLast ? null : positionOf(last),
  }
}

function matcherOf({ statuses, text }: ClusterSearch): (entry: Entry) => boolean {
  const wanted = text?.toLowerCase() ?? ''
  return (entry) => {
    if (statuses !== null && !statuses.includes(shownStatus(entry))) return false
    if (wanted === '') return true
    const { name, username, reason } = entry.cluster
    return [name, username, reason ?? ''].some((each) => each.toLowerCase().includes(wanted))
  }
}

function positionOf({ cluster: { startTime, name } }: Entry): ClusterPosition {
  return { startTime, name }
}

function order(a: ClusterPosition, b: ClusterPosition): number {
  if (a.startTime !== b.startTime) return b.startTime - a.startTime
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0
}
