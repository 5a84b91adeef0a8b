import { createMetrics, openSocketDoor, openTcpDoor } from '../api/index.ts'
import { type Clusters, createClusters } from '../clusters/index.ts'
import { type Configuration, gatewaySettings } from '../config/index.ts'
import {
  GatewayError,
  type HostPort,
  isFinal,
  type Logger,
  messageOf,
  quotasSettings,
  type RouteTable,
  type Store,
  type Telemetry,
  type Traces,
} from '../core/index.ts'
import { createRouteTable, type ProxyProcess, proxySettings } from '../proxy/index.ts'
import { createLogArchive, openStore } from '../store/index.ts'
import { socketPathIn } from '../util/index.ts'
import { apiUrlOf, publicUrl, urlOnThisHost } from './addresses.ts'
import { failureHooks } from './fail-at.ts'
import { measuredBackend, measuredStore } from './measured.ts'
import {
  certificateOf,
  checkParts,
  driverOf,
  inMemory,
  keysOfEnvironment,
  policyOf,
} from './parts.ts'
import { startProxyOf } from './proxy-process.ts'
import { tracesWanted } from './traces/traces-wanted.ts'
import { packageVersion } from './version.ts'
import { createWeb } from './web.ts'

/** A gateway that runs. */
export interface Gateway {
  /** Where users reach it, as far as this host can tell. */
  readonly publicUrl: string
  /** Reads configuration and certificates anew; throws when they are wrong, and goes on with the old ones. */
  reload(): Promise<void>
  /** Stops in order: no new requests, then the clusters (where so configured), then the records. */
  stop(): Promise<void>
}

const stopClustersLimitMs = 60_000

/** Builds everything from the configuration and starts it. When something fails, what was begun is undone. */
export async function startGateway(
  configuration: Configuration,
  logger: Logger,
  begunProxy: ProxyProcess | null,
  signal: AbortSignal,
): Promise<Gateway> {
  const undo: (() => Promise<unknown>)[] = []
  try {
    return await build(configuration, logger, begunProxy, signal, undo)
  } catch (error) {
    for (const step of undo.toReversed()) await step()
    throw error
  }
}

async function build(
  configuration: Configuration,
  logger: Logger,
  begunProxy: ProxyProcess | null,
  signal: AbortSignal,
  undo: (() => Promise<unknown>)[],
): Promise<Gateway> {
  const settings = configuration.get(gatewaySettings)
  const proxyValues = configuration.get(proxySettings)
  const { prefix } = proxyValues
  await checkParts(configuration, logger)
  const driver = driverOf(configuration)
  await driver.check?.(configuration.get(driver.settings), signal)
  const policy = policyOf(configuration)
  const certificate = await certificateOf(configuration, logger)

  const store = await openStore({
    url: policy.db_url,
    encryptKeys: policy.db_encrypt_keys ?? keysOfEnvironment(),
    workingDirectory: process.cwd(),
    logger,
    debug: policy.db_debug,
  })
  undo.push(() => store.close())
  if (inMemory(policy.db_url))
    logger.warn(
      'The records are in memory (DBBackendBase.db_url): a crash of the gateway forgets all clusters, while what runs of them goes on',
    )

  const privateDoor = await openPrivateDoor(settings.address, store, logger)
  undo.push(async () => privateDoor.stopAccepting())
  const privateUrl = urlOnThisHost(settings.address, privateDoor.port ?? 0)
  const socketPath = publicSocketPath(store)
  const publicDoor = await openSocketDoor(socketPath)
  undo.push(async () => publicDoor.stopAccepting())

  const proxyToken =
    proxyValues.api_token ?? process.env.DASK_GATEWAY_PROXY_TOKEN ?? store.instance.proxyToken
  // A program of its own that takes its time to begin: meanwhile the rest is built, and who comes to the doors waits there.
  const startingProxy = startProxyOf({
    begun: begunProxy,
    values: proxyValues,
    token: proxyToken,
    watchUrl: privateUrl,
    socketPath,
    store,
    logger,
  })
  // That it failed is told where it is waited for, below.
  const proxyEnded = startingProxy.catch(() => null)
  undo.push(async () => (await proxyEnded)?.stop())

  const routes = createRouteTable({ maxEvents: proxyValues.max_events })
  const publicAddress = publicUrl(
    certificate === null ? 'http' : 'https',
    proxyValues.address,
    prefix,
  )
  const { runsOn } = driver
  const apiUrl = apiUrlOf({ ...policy, runsOn }, { privateUrl, publicAddress })
  const metrics = createMetrics()
  const traces = await tracesWanted(process.env, packageVersion(), logger)
  if (traces !== null) undo.push(() => traces.close())
  const clusters = createClustersOf({
    configuration,
    store,
    routes,
    apiUrl,
    ownPorts: [privateDoor.port ?? 0, proxyValues.address.port, proxyValues.tcp_address?.port ?? 0],
    telemetry: metrics.telemetry,
    traces,
    logger,
  })

  const web = await createWeb({
    configuration,
    store,
    clusters,
    routes,
    doors: { publicDoor, privateDoor },
    certificate,
    proxyToken,
    publicAddress,
    metrics,
    traces,
    logger,
  })
  undo.push(() => web.stop())

  await clusters.load()
  await web.start()
  const proxy = await startingProxy
  await clusters.start(signal)

  return {
    publicUrl: publicAddress,
    async reload() {
      const later = await configuration.reload()
      if (later.length > 0) logger.warn(`Takes effect at the next start only: ${later.join(', ')}`)
      clusters.reload()
      await certificate?.reload()
      await web.reload()
    },
    async stop() {
      await proxy.stop()
      await web.stopServing()
      if (policy.stop_clusters_on_shutdown) {
        const left = await clusters.stopAll(stopClustersLimitMs)
        if (left > 0)
          logger.error(
            `${left} clusters could not be stopped in time; the next start goes on with it`,
          )
      }
      await clusters.stop()
      await web.stop()
      await store.close()
      await traces?.close()
    },
  }
}

interface ClustersStart {
  readonly configuration: Configuration
  readonly store: Store
  readonly routes: RouteTable
  readonly apiUrl: string
  readonly ownPorts: readonly number[]
  readonly telemetry: Telemetry
  readonly traces: Traces | null
  readonly logger: Logger
}

function createClustersOf(start: ClustersStart): Clusters {
  const { configuration, telemetry, traces, logger } = start
  const store = traces?.store(start.store) ?? start.store
  const driver = driverOf(configuration)
  const hooks = failureHooks()
  const backend = driver.create(configuration.get(driver.settings), {
    instanceId: store.instance.id,
    stateDirectory: store.stateDirectory,
    apiUrl: start.apiUrl,
    // The clusters exist by the time anything runs.
    wake: () => clusters.wake(),
    logger,
  })
  const clusters = createClusters({
    store: measuredStore(hooks.store(store), telemetry),
    drain: store,
    quotaStore: store,
    quotaPolicy: () => configuration.get(quotasSettings),
    logArchive: createLogArchive(store.stateDirectory),
    backend: measuredBackend(hooks.backend(traces?.backend(backend) ?? backend), telemetry),
    routes: hooks.routes(start.routes),
    options: hooks.options(configuration.clusterOptions),
    resolveSettings: configuration.clusterSettings(driver.clusterSettings),
    policy: policyOf(configuration),
    ownPorts: () => start.ownPorts,
    telemetry,
    logger,
  })
  return clusters
}

/** Port 0 means: the port of the last time, since schedulers hold the URL; the first time, any. */
async function openPrivateDoor(address: HostPort, store: Store, logger: Logger) {
  const kept = store.instance.privatePort
  if (address.port !== 0 || kept === null) {
    const door = await openTcpDoor(address)
    if (address.port === 0) await store.savePrivatePort(door.port ?? 0)
    return door
  }
  try {
    return await openTcpDoor({ host: address.host, port: kept })
  } catch (error) {
    const { clusters } = await store.load()
    const live = clusters.filter((cluster) => !isFinal(cluster.status)).length
    if (live > 0)
      throw new GatewayError(
        'configuration',
        `The private port ${kept} of the last time (DaskGateway.address) is not free, and ${live} recorded cluster(s) report to it: end what uses it, and start again. ${messageOf(error)}`,
        { cause: error },
      )
    logger.warn(
      `The private port ${kept} of the last time (DaskGateway.address) is not free; another is chosen, as no cluster reports to it`,
    )
    const door = await openTcpDoor(address)
    await store.savePrivatePort(door.port ?? 0)
    return door
  }
}

function publicSocketPath(store: Store): string {
  try {
    return socketPathIn(store.stateDirectory, store.instance.id)
  } catch (cause) {
    throw new GatewayError(
      'configuration',
      `There is no place for the proxy's socket: ${messageOf(cause)}`,
      { cause },
    )
  }
}
