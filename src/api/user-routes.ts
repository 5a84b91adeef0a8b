import type { FastifyRequest } from 'fastify'
import { clusterInfo } from './cluster-info.ts'
import { type EventStreams, lastEventId } from './event-streams.ts'
import { clusterPage, searchOf } from './find-clusters.ts'
import { clustersOf, feedPosition } from './follow.ts'
import { clusterNameOf, dashboardRouteFor, type RouteContext, userRoute } from './route-context.ts'
import { tokenReport } from './token-routes.ts'

/** Who one is, and one's own clusters with all of their state. */
export function addUserRoutes(context: RouteContext, streams: EventStreams): void {
  const { service, authentication } = context
  const routeFor = (request: FastifyRequest) => dashboardRouteFor(context, request)

  userRoute(context, 'GET', '/api/v1/user', (user, request) => {
    const { by, token } = request.caller ?? { by: 'header', token: null }
    const session = by === 'session' ? authentication.sessionOf(request.raw)?.session : null
    return {
      name: user.name,
      groups: user.groups,
      admin: user.admin,
      // How a program proves who it is: Basic, jupyterhub or Negotiate.
      challenge: authentication.authenticator.challenge,
      session: session == null ? null : { kind: session.kind, expires_at: session.expiresAt },
      token: token === null ? null : tokenReport(token),
    }
  })

  userRoute(context, 'GET', '/api/v1/user/clusters', (user, request) =>
    clusterPage(service.search(searchOf(request, user.name)), routeFor(request)),
  )

  userRoute(context, 'GET', '/api/v1/user/clusters/:name', (user, request) =>
    clusterInfo(service.details(user, clusterNameOf(request)), routeFor(request)),
  )

  userRoute(context, 'GET', '/api/v1/user/stream', (user, request, reply) => {
    const since = feedPosition(lastEventId(request))
    return streams.serve(request, reply, clustersOf(service, user, since, routeFor(request)))
  })
}
