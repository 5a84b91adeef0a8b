import { join } from 'node:path'
import {
  type Api,
  type AuditTrail,
  auditSettings,
  createApi,
  createAuditTrail,
  createAuthentication,
  type Door,
  type Metrics,
  metricsSettings,
  openAuditFile,
  type TlsCertificate,
} from '../api/index.ts'
import {
  authenticatorSettings,
  createAccessTokens,
  createAdmission,
  createRoles,
  createSessions,
  groupsOfNow,
  withoutLookAlikes,
  withRules,
} from '../auth/index.ts'
import type { Clusters } from '../clusters/index.ts'
import { type Configuration, gatewaySettings } from '../config/index.ts'
import {
  type Cluster,
  GatewayError,
  type Logger,
  messageOf,
  type RouteFeed,
  type RouteTable,
  type Store,
  type Traces,
} from '../core/index.ts'
import { createDashboards, type DashboardAuth, dashboardRoute } from '../dashboards/index.ts'
import { proxySettings } from '../proxy/index.ts'
import { packageFolder } from '../util/index.ts'
import { isLoopback } from './addresses.ts'
import { authenticatorOf, roleSettingsOf } from './parts.ts'
import { packageVersion } from './version.ts'

export interface WebStart {
  readonly configuration: Configuration
  readonly store: Store
  readonly clusters: Clusters
  readonly routes: RouteTable & RouteFeed
  readonly doors: { readonly publicDoor: Door; readonly privateDoor: Door }
  readonly certificate: TlsCertificate | null
  /** Secret. */
  readonly proxyToken: string
  readonly publicAddress: string
  readonly metrics: Metrics
  readonly traces: Traces | null
  readonly logger: Logger
}

/** Everything that speaks HTTP, with who may: API, pages, dashboards, logins, sessions. */
export interface Web {
  /** Begins to answer. */
  start(): Promise<void>
  /** Reads the files of who logs people in anew; throws when they are wrong, and goes on with the old ones. */
  reload(): Promise<void>
  /** No new requests; those under way are answered. */
  stopServing(): Promise<void>
  /** The end of all of it. */
  stop(): Promise<void>
}

export async function createWeb(start: WebStart): Promise<Web> {
  const { configuration, logger } = start
  const roleSettings = roleSettingsOf(configuration)
  const sessions = await sessionsOf(start)
  const tokens = await tokensOf(start)
  const namesInUse = () => [
    ...start.clusters.owners(),
    ...tokens.list(null).map(({ user }) => user.name),
    ...sessions.users(),
    ...roleSettings.allowed_users,
    ...roleSettings.admin_users,
  ]
  const authenticator = withoutLookAlikes(
    withRules(authenticatorOf(configuration, logger), roleSettings),
    namesInUse,
    logger,
  )
  await authenticator.start()
  const isAllowed = createAdmission(roleSettings)
  const authentication = createAuthentication({
    authenticator,
    sessions,
    tokens,
    rules: {
      withRights: createRoles(roleSettings),
      isWelcome: (user) => isAllowed(user) && authenticator.knows?.(user.name) !== false,
      withGroups: groupsOfNow(roleSettings),
    },
    onFailure: (by) => start.metrics.authenticationFailed(by),
    logger,
  })
  const { dashboard_auth, dashboard_host, prefix, address } = configuration.get(proxySettings)
  const openWarning =
    authenticator.open && !isLoopback(address)
      ? 'Anybody who reaches this address may log in under any name: no password is set (SimpleAuthenticator.password)'
      : null
  if (openWarning !== null) logger.warn(openWarning)
  const trail = await trailOf(start)
  const dashboards = createDashboards({
    findDashboard: start.clusters.findDashboard,
    authenticate: (request) => authentication.authenticateForDashboard(request),
    logins: {
      of(request) {
        const found = authentication.sessionOf(request)
        // Those begun by a header are short, and nobody logs out of them.
        return found?.session.kind === 'login' ? sessions.idOf(found.value) : null
      },
      isOpen: sessions.isOpen,
    },
    signingKey: start.store.instance.signingKey,
    prefix,
    auth: dashboard_auth,
    dashboardHost: dashboard_host,
    publicUrl: start.publicAddress,
    onAdminVisit: (admin, { clusterName, username }, { address }) =>
      trail.record({
        ...{ user: admin.name, action: 'admin-dashboard', cluster: clusterName },
        ...{ owner: username, address, message: '' },
      }),
    logger,
  })
  sessions.onEnd(dashboards.loggedOut)
  const scheme = start.certificate === null ? 'http' : 'https'
  const api: Api = createApi({
    ...start.doors,
    service: start.clusters.service,
    clusterOptions: configuration.clusterOptions,
    authentication,
    routeFeed: start.routes,
    routes: start.routes,
    proxyToken: start.proxyToken,
    dashboards,
    dashboardRoute: (cluster) => routeTo(cluster, dashboard_auth),
    login: {
      signingKey: start.store.instance.signingKey,
      warning: openWarning,
      dashboardOrigin: dashboard_host === null ? null : `${scheme}://${dashboard_host}`,
    },
    prefix,
    certificate: start.certificate,
    trustedProxies: configuration.get(gatewaySettings).trusted_proxies,
    metricsPublic: configuration.get(metricsSettings).public,
    checks: [
      { name: 'store', check: () => start.store.probe() },
      { name: 'proxy', check: async () => requireProxy(start.routes) },
      { name: 'audit', check: async () => requireFile(trail) },
    ],
    trail,
    metrics: start.metrics,
    traces: start.traces,
    backendName: configuration.backendClass.name,
    version: packageVersion(),
    webFolder: join(packageFolder, 'dist/web'),
    logger,
  })
  let served: Promise<void> | null = null
  const stopServing = () => (served ??= api.stop().then(() => dashboards.close()))
  return {
    start: () => api.start(),
    async reload() {
      await trail.reopen()
      await authenticator.reload?.()
    },
    stopServing,
    async stop() {
      await stopServing()
      await trail.close()
      await authenticator.stop()
    },
  }
}

function sessionsOf({ configuration, store, logger }: WebStart) {
  const values = configuration.get(authenticatorSettings)
  return createSessions(
    store,
    {
      cookieName: values.cookie_name ?? `dask-gateway-${store.instance.id}`,
      cacheMaxAge: values.cache_max_age,
      sessionMaxAge: values.session_max_age,
    },
    logger,
  )
}

function tokensOf({ configuration, store, logger }: WebStart) {
  const { token_max_age } = configuration.get(authenticatorSettings)
  return createAccessTokens(store, { maxAge: token_max_age }, logger)
}

function routeTo(cluster: Cluster, auth: DashboardAuth): string {
  const { name: clusterName, username, dashboardKey: key } = cluster
  return dashboardRoute({ clusterName, username, address: null, key }, auth)
}

async function trailOf({ configuration, store, logger }: WebStart): Promise<AuditTrail> {
  const { file, max_events, max_age } = configuration.get(auditSettings)
  return createAuditTrail(store, logger, {
    maxEvents: max_events,
    maxAgeMs: max_age === null ? null : max_age * 1000,
    file: file === null ? null : await auditFileOf(file, store, logger),
  })
}

async function auditFileOf(path: string, store: Store, logger: Logger) {
  try {
    return await openAuditFile(path, store, logger)
  } catch (cause) {
    throw new GatewayError(
      'configuration',
      `Audit.file: ${path} cannot be used: ${messageOf(cause)}`,
      { cause },
    )
  }
}

function requireFile(trail: AuditTrail): void {
  const { fileProblem } = trail.state()
  if (fileProblem !== null) throw new Error(`the audit file cannot be written: ${fileProblem}`)
}

function requireProxy(routes: RouteFeed): void {
  if (routes.proxies().length === 0) throw new Error('no proxy is connected')
}
