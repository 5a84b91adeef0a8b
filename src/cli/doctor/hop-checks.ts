import type { HopsToCheck } from '../../backends/index.ts'
import { type Configuration, gatewaySettings } from '../../config/index.ts'
import { type ClusterSettings, checkOptions } from '../../core/index.ts'
import { proxySettings } from '../../proxy/index.ts'
import type { RecordsInspection, StoreInspection } from '../../store/index.ts'
import { apiUrlOf, publicUrl, urlOnThisHost } from '../addresses.ts'
import { driverOf, policyOf } from '../parts.ts'
import { packageVersion } from '../version.ts'
import { type Checkup, ok } from './checkup.ts'
import type { Place } from './place.ts'
import { openProbeRoute } from './probe.ts'
import type { Endpoint } from './tls-hello.ts'
import { checkTunnel } from './tunnel-checks.ts'

/** The gateway that runs, as seen from its own host. */
export interface GatewayPlaces {
  readonly records: RecordsInspection
  readonly stateDirectory: string
  /** Its private address. */
  readonly gateway: Place
  /** Secret. */
  readonly proxyToken: string
  /** Where our own proxy takes TLS. */
  readonly tunnel: Endpoint
}

/** The checks that a backend has of its own, where clusters run on other machines. */
export async function checkHops(
  checkup: Checkup,
  configuration: Configuration,
  given: {
    readonly username: string | null
    readonly probe: boolean
    readonly found: StoreInspection | null
    readonly running: GatewayPlaces | null
  },
): Promise<void> {
  const driver = driverOf(configuration)
  if (driver.checkHops === undefined) return
  const { username, probe, running } = given
  const settings =
    username === null
      ? null
      : await checkup.run('cluster settings', async () => settingsFor(configuration, username))
  if (username !== null && settings === null) return
  const hops: HopsToCheck = {
    user: username === null || settings === null ? null : { name: username, settings },
    probe,
    apiUrl: apiUrlIn(configuration, given.found),
    version: packageVersion(),
    gateway: running === null ? null : gatewayOf(running),
  }
  await driver.checkHops(configuration.get(driver.settings), hops, checkup)
}

/** What a cluster of the user would be made with, if no options were asked for. */
async function settingsFor(configuration: Configuration, name: string) {
  const driver = driverOf(configuration)
  const user = { name, groups: [], admin: false }
  const { clusterOptions } = configuration
  const options = checkOptions(await clusterOptions.fieldsFor(user), {})
  const overrides = await clusterOptions.settingsFor(user, options)
  const { settings } = configuration.clusterSettings(driver.clusterSettings)(overrides)
  const facts: ClusterSettings = settings
  return { finding: ok(`A cluster of ${name} without options can be configured`), facts }
}

function apiUrlIn(configuration: Configuration, found: StoreInspection | null): string {
  const { address } = configuration.get(gatewaySettings)
  const proxy = configuration.get(proxySettings)
  const port = address.port || (found?.records?.instance.privatePort ?? 0)
  const scheme = proxy.tls_cert === null ? 'http' : 'https'
  const { runsOn } = driverOf(configuration)
  return apiUrlOf(
    { ...policyOf(configuration), runsOn },
    {
      privateUrl: urlOnThisHost(address, port),
      publicAddress: publicUrl(scheme, proxy.address, proxy.prefix),
    },
  )
}

function gatewayOf(running: GatewayPlaces): NonNullable<HopsToCheck['gateway']> {
  const { records, stateDirectory, gateway, proxyToken, tunnel } = running
  return {
    instanceId: records.instance.id,
    stateDirectory,
    async checkTunnel({ host, port, fingerprint }, signal) {
      const route = await openProbeRoute(gateway, proxyToken, { host, port }, signal)
      try {
        const target = { name: route.name, what: 'the probe', fingerprint } as const
        return await checkTunnel({ to: tunnel, name: 'Our proxy', own: true }, target, signal)
      } finally {
        await route.close()
      }
    },
  }
}
