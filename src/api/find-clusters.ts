import type { FastifyRequest } from 'fastify'
import type { ClusterPosition, ClusterSearch, FoundClusters } from '../clusters/index.ts'
import { GatewayError } from '../core/index.ts'
import { clusterInfo } from './cluster-info.ts'
import { statusesNamed, wholeNumber } from './queries.ts'
import { queryOf } from './route-context.ts'

const maxLimit = 1000
const defaultLimit = 100

/** The search that a query asks for: `status`, `search`, `limit` and `cursor`. */
export function searchOf(request: FastifyRequest, username: string | null): ClusterSearch {
  const status = queryOf(request, 'status')
  const cursor = queryOf(request, 'cursor')
  return {
    username,
    statuses: status === null || status === '' ? null : statusesNamed(status),
    text: queryOf(request, 'search'),
    after: cursor === null ? null : positionOf(cursor),
    limit: wholeNumber('limit', queryOf(request, 'limit'), 1, maxLimit, defaultLimit),
  }
}

export function clusterPage(
  { clusters, total, next }: FoundClusters,
  dashboardRoute: Parameters<typeof clusterInfo>[1],
) {
  return {
    clusters: clusters.map((each) => clusterInfo(each, dashboardRoute)),
    total,
    cursor: next === null ? null : `${next.startTime}-${next.name}`,
  }
}

function positionOf(cursor: string): ClusterPosition {
  const [, startTime, name] = /^(\d{1,16})-([0-9a-z]{1,63})$/.exec(cursor) ?? []
  if (startTime !== undefined && name !== undefined) return { startTime: Number(startTime), name }
  throw new GatewayError('invalid', 'cursor must be one that an earlier page gave')
}
