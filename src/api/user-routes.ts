import { clusterInfo } from './cluster-info.ts'
import { type EventStreams, lastEventId } from './event-streams.ts'
import { clusterPage, searchOf } from './find-clusters.ts'
import { clustersOf, feedPosition } from './follow.ts'
import { clusterNameOf, type RouteContext, userRoute } from './route-context.ts'

/** Who one is, and one's own clusters with all of their state. */
export function addUserRoutes(context: RouteContext, streams: EventStreams): void {
  const { service, authentication, dashboardRoute } = context

  userRoute(context, 'GET', '/api/v1/user', (user, request) => {
    const session = authentication.sessionOf(request.raw)?.session ?? null
    return {
      name: user.name,
      groups: user.groups,
      admin: user.admin,
      // How a program proves who it is: Basic, jupyterhub or Negotiate.
      challenge: authentication.authenticator.challenge,
      session: session === null ? null : { kind: session.kind, expires_at: session.expiresAt },
    }
  })

  userRoute(context, 'GET', '/api/v1/user/clusters', (user, request) =>
    clusterPage(service.search(searchOf(request, user.name)), dashboardRoute),
  )

  userRoute(context, 'GET', '/api/v1/user/clusters/:name', (user, request) =>
    clusterInfo(service.details(user, clusterNameOf(request)), dashboardRoute),
  )

  userRoute(context, 'GET', '/api/v1/user/stream', (user, request, reply) => {
    const since = feedPosition(lastEventId(request))
    return streams.serve(request, reply, clustersOf(service, user, since, dashboardRoute))
  })
}
