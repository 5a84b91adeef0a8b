import Fastify, { type FastifyInstance } from 'fastify'
import type { ClusterService } from '../clusters/index.ts'
import {
  type ClusterOptions,
  GatewayError,
  type Logger,
  type RequestTrace,
  type RouteFeed,
  type RouteTable,
  type Traces,
} from '../core/index.ts'
import { randomHex } from '../util/index.ts'
import { servePrivateDoor, servePublicDoor } from './accept-connections.ts'
import { addAdminRoutes } from './admin-routes.ts'
import type { AuditTrail } from './audit-trail.ts'
import type { Authentication } from './authentication.ts'
import { parseNetworks } from './client.ts'
import { type DashboardRoute, plainDashboardRoute } from './cluster-report.ts'
import { addClusterRoutes } from './cluster-routes.ts'
import { isRefusedEverywhere } from './cross-site.ts'
import type { Door } from './door.ts'
import { describeError, sendError } from './error-reply.ts'
import { createEventStreams } from './event-streams.ts'
import { addHistoryRoutes } from './history-routes.ts'
import { createHttpServer, type DashboardHandlers } from './http-server.ts'
import { addLoginPages, type LoginPagesOptions } from './login-pages.ts'
import { createMetrics, type Metrics } from './metrics.ts'
import { addProbeRoutes } from './probe-routes.ts'
import { addQuotaRoutes } from './quota-routes.ts'
import { createReadiness, type ReadinessCheck } from './readiness.ts'
import type { RouteContext } from './route-context.ts'
import { addRouteWatch } from './route-watch.ts'
import { addSchedulerRoutes } from './scheduler-routes.ts'
import { addServerRoutes } from './server-routes.ts'
import type { TlsCertificate } from './tls-certificate.ts'
import { addTokenRoutes } from './token-routes.ts'
import { addUsageRoutes } from './usage-routes.ts'
import { addUserRoutes } from './user-routes.ts'
import { addWebPage } from './web-page.ts'

export interface ApiOptions {
  readonly service: ClusterService
  readonly clusterOptions: Pick<ClusterOptions, 'fieldsFor'>
  readonly authentication: Authentication
  readonly routeFeed: RouteFeed
  /** For routes to probes; without it there are none. */
  readonly routes?: Pick<RouteTable, 'put' | 'remove' | 'whenAcknowledged'>
  /** Secret. What a proxy shows to learn the routes. */
  readonly proxyToken: string
  readonly dashboards: DashboardHandlers | null
  /** Default: `/clusters/NAME/status`. */
  readonly dashboardRoute?: DashboardRoute
  /** With an origin of dashboards, their host serves nothing else. */
  readonly login: LoginPagesOptions
  /** Empty, or beginning with a slash and not ending with one. */
  readonly prefix: string
  /** null: no proxy comes by a socket (all are on other hosts). */
  readonly publicDoor: Door | null
  readonly privateDoor: Door
  readonly certificate: TlsCertificate | null
  /** `DaskGateway.trusted_proxies`. */
  readonly trustedProxies: readonly string[]
  readonly metricsPublic: boolean
  readonly checks: readonly ReadinessCheck[]
  readonly trail: AuditTrail
  /** Without: those of this API alone. */
  readonly metrics?: Metrics
  readonly traces?: Traces | null
  /** The class of the backend, for administrators. */
  readonly backendName: string
  readonly version: string
  /** Where the build has put the page; null: there is none. */
  readonly webFolder: string | null
  readonly logger: Logger
}

/** Everything that speaks HTTP: the API, the pages, and the way to the dashboards. */
export interface Api {
  /** Begins to serve both doors. */
  start(): Promise<void>
  /** No new connections, the end of idle ones, up to five seconds for those that are being answered, the end of all. */
  stop(): Promise<void>
}

const stopLimitMs = 5000
const bodyLimitBytes = 1024 * 1024
const drainLimitBytes = 16 * 1024 * 1024

export function createApi(options: ApiOptions): Api {
  const stopping = new AbortController()
  const streams = createEventStreams({ ...options, stopping: stopping.signal })
  const metrics = options.metrics ?? createMetrics()
  metrics.countFrom({ ...options, streams })
  const readiness = createReadiness(options.checks)
  const app = createApp(options, metrics)
  const context: RouteContext = {
    ...options,
    service: countedService(options.service, metrics),
    app,
    dashboardRoute: options.dashboardRoute ?? plainDashboardRoute,
    stopping: stopping.signal,
  }
  addServerRoutes(context, { ...options, metrics, readiness })
  addClusterRoutes(context)
  addHistoryRoutes(context, streams)
  addUserRoutes(context, streams)
  addTokenRoutes(context)
  addQuotaRoutes(context)
  addUsageRoutes(context)
  addAdminRoutes(context, streams, {
    ...options,
    readiness,
    proxies: options.routeFeed.proxies,
  })
  addSchedulerRoutes(context)
  addWebPage(context, options.webFolder)
  addLoginPages(context, options.login)
  if (options.routes !== undefined) addProbeRoutes(context, options.routes, options.proxyToken)
  const openWatches = addRouteWatch(context, options.routeFeed, options.proxyToken)
  const { dashboardOrigin } = options.login
  const http = createHttpServer({
    api: (request, response) => app.routing(request, response),
    dashboards: options.dashboards,
    dashboardHost: dashboardOrigin === null ? null : new URL(dashboardOrigin).hostname,
    prefix: options.prefix,
    redirectToHttps: options.certificate !== null,
    trustedProxies: parseNetworks('DaskGateway.trusted_proxies', options.trustedProxies),
  })
  const doors = [options.publicDoor, options.privateDoor].filter((each) => each !== null)

  return {
    async start() {
      await app.ready()
      const accept = {
        http,
        secureContext: options.certificate?.context ?? null,
        openWatches,
        logger: options.logger,
      }
      servePrivateDoor(options.privateDoor, accept)
      if (options.publicDoor !== null) servePublicDoor(options.publicDoor, accept)
    },
    async stop() {
      for (const door of doors) door.stopAccepting()
      stopping.abort()
      await http.close(stopLimitMs)
      for (const door of doors) door.cutAll()
      await app.close()
    },
  }
}

/** The service, whose creations are counted by what comes of them. */
function countedService(service: ClusterService, metrics: Metrics): ClusterService {
  return {
    ...service,
    async create(user, options) {
      try {
        const cluster = await service.create(user, options)
        metrics.clusterAsked('created')
        return cluster
      } catch (error) {
        metrics.clusterAsked(error instanceof GatewayError ? error.code : 'internal')
        throw error
      }
    },
  }
}

function createApp(options: ApiOptions, metrics: Metrics): FastifyInstance {
  const { logger } = options
  const run = randomHex(4)
  let requests = 0
  const app = Fastify({
    logger: false,
    bodyLimit: bodyLimitBytes,
    genReqId: () => `${run}-${(++requests).toString(36)}`,
    // A name of 255 characters, each of which may be twelve when it is encoded.
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 3100 },
    frameworkErrors: (_error, _request, reply) => {
      sendError(reply, 404, 'There is nothing at this path')
    },
  })
  // Bodies are read as JSON whatever they are called, as the old server does, and by the routes, after authentication.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  app.decorateRequest('caller', null)

  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id)
    // By the route, not by the path as it was sent: the router takes `/%61pi/` for `/api/`.
    const route = request.routeOptions.url ?? ''
    if (route.startsWith('/api/') && isRefusedEverywhere(request.headers)) {
      return done(new GatewayError('forbidden', 'Pages of other origins may not use the API'))
    }
    done()
  })
  const traces = options.traces ?? null
  if (traces !== null) addTraces(app, traces)
  app.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'unknown'
    const seconds = reply.elapsedTime / 1000
    metrics.observeRequest(route, request.method, reply.statusCode, seconds)
    logger.debug('Answered', {
      requestId: request.id,
      method: request.method,
      route,
      status: reply.statusCode,
      user: request.caller?.user.name,
    })
    done()
  })
  app.setNotFoundHandler((request, reply) =>
    sendError(reply, 404, `There is no ${request.method} of ${request.url.slice(0, 200)}`),
  )
  app.setErrorHandler((error, request, reply) => {
    const { status, text, code, unexpected } = describeError(error, request.id)
    // A sentence of ours that has no cause says all there is: where it was thrown tells an administrator nothing.
    const told = error instanceof GatewayError && error.cause === undefined ? error.message : error
    const fields = { requestId: request.id, user: request.caller?.user.name, error: told }
    // Who goes away in the middle of a body, or sends no proper one, is no fault of ours.
    const isBroken = request.raw.destroyed && !request.raw.complete
    if (isBroken) logger.debug('A request broke off', fields)
    else if (unexpected) logger.error('A request failed', fields)
    else if (status >= 500) logger.warn('A request could not be answered', fields)
    // A client that still sends would see a broken connection instead of the answer, so what is left of a body is read
    // and dropped, unless it is a lot.
    if (Number(request.headers['content-length'] ?? 0) > drainLimitBytes) {
      reply.header('connection', 'close')
    }
    return sendError(reply, status, text, code)
  })
  return app
}

/** A span for each request. What reads a body loses sight of whose it was, so the request is entered again after it. */
function addTraces(app: FastifyInstance, traces: Traces): void {
  const begun = new WeakMap<object, RequestTrace>()
  app.addHook('onRequest', (request, _reply, done) => {
    const { traceparent } = request.headers
    const parent = typeof traceparent === 'string' ? traceparent : undefined
    begun.set(request, traces.begin(request.method, parent))
    done()
  })
  app.addHook('preHandler', (request, _reply, done) => {
    const trace = begun.get(request)
    if (trace === undefined) done()
    else trace.run(done)
  })
  app.addHook('onResponse', (request, reply, done) => {
    begun.get(request)?.end(request.routeOptions.url ?? 'unknown', reply.statusCode)
    done()
  })
}
