import type { Configuration, ConfigurationRequest } from '../../config/index.ts'
import { gatewaySettings } from '../../config/index.ts'
import { GatewayError, type Logger } from '../../core/index.ts'
import { proxySettings } from '../../proxy/index.ts'
import type { StoreInspection } from '../../store/index.ts'
import { urlOnThisHost } from '../addresses.ts'
import { driverOf } from '../parts.ts'
import { separateTcpAddress } from '../proxy-process.ts'
import { packageVersion } from '../version.ts'
import { type Checkup, createCheckup } from './checkup.ts'
import { checkConfiguration, checkMadeOf, checkPython } from './configuration-checks.ts'
import { checkCommand, judgePair } from './dask-checks.ts'
import { checkHops, type GatewayPlaces } from './hop-checks.ts'
import { checkReady } from './http-checks.ts'
import { checkKerberos } from './kerberos-checks.ts'
import { checkOidc } from './oidc-checks.ts'
import { checkOrphans } from './orphan-checks.ts'
import { type Place, placeOf } from './place.ts'
import { checkPort, type OwnPort } from './port-checks.ts'
import { checkAccount, checkRecords, checkRunning } from './record-checks.ts'
import { jsonReport, resultOf, textReport } from './report.ts'
import type { Endpoint } from './tls-hello.ts'
import { checkWays, endpointOf, type Way } from './ways.ts'

export interface DoctorOptions {
  readonly json: boolean
  /** Whether to follow the way of TLS to a probe. */
  readonly probe: boolean
  /** Whether to leave out the job that a backend for other machines would submit. */
  readonly noProbe: boolean
  readonly orphans: boolean
  /** As users have it: http(s)://HOST[:PORT][/PREFIX]. */
  readonly publicAddress: string | null
  /** Where users' traffic to schedulers goes, HOST:PORT, if not to the public address. */
  readonly publicProxyAddress: string | null
  /** Whose cluster to look at, where each runs as its user. */
  readonly user: string | null
}

// What is taken back at the end has 15 s of its own: all of it takes less than 90 s.
const limits = { checkMs: 15_000, totalMs: 74_000 }
/** Importing Dask from a cold disk. */
const importLimitMs = 60_000

/**
 * `dask-gateway-server doctor`: looks at everything, changes nothing, prints what it found. Gives the exit status. What it starts to try
 * something out it takes back, also when a signal interrupts it; a second one ends it at once.
 */
export async function doctor(
  options: DoctorOptions,
  request: ConfigurationRequest,
  logger: Logger,
): Promise<number> {
  const publicWay = publicWayOf(options)
  const interruption = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => interruption.abort())
  const checkup = createCheckup(limits, interruption.signal)
  const configuration = await checkup.run(
    'configuration',
    () => checkConfiguration({ ...request, evaluationLimitMs: importLimitMs / 2 }),
    importLimitMs,
  )
  try {
    if (configuration !== null)
      await checkConfigured(checkup, configuration, { options, request, logger, publicWay })
  } finally {
    await configuration?.close()
  }
  const { findings } = checkup
  process.stdout.write(
    options.json
      ? jsonReport(findings, packageVersion())
      : textReport(findings, process.stdout.columns ?? 100),
  )
  return interruption.signal.aborted || resultOf(findings) === 'failed' ? 1 : 0
}

interface Given {
  readonly options: DoctorOptions
  readonly request: ConfigurationRequest
  readonly logger: Logger
  readonly publicWay: Way | null
}

async function checkConfigured(
  checkup: Checkup,
  configuration: Configuration,
  given: Given,
): Promise<void> {
  const { options, request, logger } = given
  await checkup.run('parts', (signal) => checkMadeOf(configuration, logger, signal))
  await checkup.run('python', (signal) => checkPython(configuration, request.python, signal))
  await checkKerberos(checkup, configuration, given.publicWay?.http.host ?? null)
  await checkOidc(checkup, configuration, logger)
  const found = await checkup.run('records', () => checkRecords(configuration, process.cwd()))
  if (found !== null) await checkup.run('account', () => checkAccount(found))
  if (found !== null) await checkup.run('running', () => checkRunning(found))
  for (const port of portsOf(configuration, found))
    await checkup.run(`port ${port.address.port}`, () =>
      checkPort(port, found?.holder?.pid ?? null),
    )
  if (driverOf(configuration).checkHops === undefined)
    await checkDask(checkup, configuration, options.user)
  const running = found?.holder ? placesOf(configuration, found) : null
  if (running !== null) await checkGateway(checkup, configuration, running, given)
  const { user: username, noProbe } = options
  await checkHops(checkup, configuration, { username, probe: !noProbe, found, running })
  if (options.orphans && found !== null)
    await checkup.run('orphans', () => checkOrphans(configuration, found))
}

async function checkDask(checkup: Checkup, configuration: Configuration, user: string | null) {
  const check = (role: 'scheduler' | 'worker') =>
    checkup.run(
      `${role}_cmd`,
      (signal) => checkCommand(role, configuration, user, signal),
      importLimitMs,
    )
  const scheduler = await check('scheduler')
  const worker = await check('worker')
  if (scheduler !== null && worker !== null)
    await checkup.run('versions', async () => judgePair(scheduler, worker))
}

function placesOf(configuration: Configuration, found: StoreInspection): GatewayPlaces | null {
  const { records, stateDirectory } = found
  if (records === null) return null
  const values = configuration.get(proxySettings)
  const { address } = configuration.get(gatewaySettings)
  const port = address.port || (records.instance.privatePort ?? 0)
  return {
    ...{ records, stateDirectory },
    gateway: placeAt(urlOnThisHost(address, port)),
    proxyToken:
      values.api_token ?? process.env.DASK_GATEWAY_PROXY_TOKEN ?? records.instance.proxyToken,
    tunnel: endpointOf(separateTcpAddress(values) ?? values.address),
  }
}

async function checkGateway(
  checkup: Checkup,
  configuration: Configuration,
  { records, gateway, proxyToken, tunnel }: GatewayPlaces,
  { options, publicWay }: Given,
): Promise<void> {
  const values = configuration.get(proxySettings)
  await checkup.run('gateway', (signal) => checkReady(gateway, signal))
  const plain = placeAt(urlOnThisHost(values.address, values.address.port) + values.prefix)
  const secure = values.tls_cert !== null
  const http = { ...plain, secure, url: plain.url.replace(/^http/, secure ? 'https' : 'http') }
  await checkWays(checkup, {
    ...{ records, gateway, proxyToken, direct: { http, tunnel }, public: publicWay },
    probe: options.probe,
    proxyElsewhere: values.externally_managed,
  })
}

function portsOf(configuration: Configuration, found: StoreInspection | null): readonly OwnPort[] {
  const values = configuration.get(proxySettings)
  const { address } = configuration.get(gatewaySettings)
  const tcp = separateTcpAddress(values)
  const privatePort = address.port || (found?.records?.instance.privatePort ?? 0)
  const ports: readonly OwnPort[] = [
    ...(values.externally_managed
      ? []
      : [
          { setting: 'Proxy.address', address: values.address, holder: 'proxy' as const },
          ...(tcp === null
            ? []
            : [{ setting: 'Proxy.tcp_address', address: tcp, holder: 'proxy' as const }]),
        ]),
    {
      setting: 'DaskGateway.address',
      address: { ...address, port: privatePort },
      holder: 'gateway',
    },
  ]
  return ports.filter((each) => each.address.port !== 0)
}

function publicWayOf({ publicAddress, publicProxyAddress }: DoctorOptions): Way | null {
  if (publicAddress === null) {
    if (publicProxyAddress === null) return null
    throw new GatewayError('configuration', '--public-proxy-address goes with --public-address')
  }
  const http = placeOf(publicAddress)
  if (http === null)
    throw new GatewayError(
      'configuration',
      `--public-address ${publicAddress}: must be a URL such as https://dask.example.org/prefix`,
    )
  const tunnel = publicProxyAddress === null ? http : endpointIn(publicProxyAddress)
  return { http, tunnel: { host: tunnel.host, port: tunnel.port } }
}

function endpointIn(text: string): Endpoint {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:/]+)):(\d{1,5})$/.exec(text) ?? []
  const host = bracketed ?? plain
  if (host !== undefined && Number(port) > 0 && Number(port) < 65536)
    return { host, port: Number(port) }
  throw new GatewayError('configuration', `--public-proxy-address ${text}: must be HOST:PORT`)
}

function placeAt(url: string): Place {
  const place = placeOf(url)
  if (place === null) throw new GatewayError('internal', `${url} is no URL`)
  return place
}
