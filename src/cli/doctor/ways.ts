import type { HostPort } from '../../core/index.ts'
import type { RecordsInspection } from '../../store/index.ts'
import { type Checkup, type Found, ok, type Result } from './checkup.ts'
import { checkHttp, checkUpgrade } from './http-checks.ts'
import type { Place } from './place.ts'
import { openProbe, type Probe } from './probe.ts'
import { type Endpoint, fingerprintOf } from './tls-hello.ts'
import { checkTunnel, type TunnelTarget } from './tunnel-checks.ts'

/** One way from a client to the gateway: where its HTTP goes, and where its TLS for schedulers. */
export interface Way {
  readonly http: Place
  readonly tunnel: Endpoint
}

export interface Ways {
  /** To our own proxy, on this host. */
  readonly direct: Way
  /** By the address that users have, through whatever stands in front; null: it is not known. */
  readonly public: Way | null
  /** The gateway's private address. */
  readonly gateway: Place
  /** Secret. */
  readonly proxyToken: string
  readonly records: RecordsInspection
  /** Whether to make a route to a probe instead of looking for a cluster. */
  readonly probe: boolean
  /** Proxy.externally_managed: it may be on another host. */
  readonly proxyElsewhere: boolean
}

/** Follows all ways, our own proxy's first: what comes through there and not in public is lost in front of it. */
export async function checkWays(checkup: Checkup, ways: Ways): Promise<void> {
  const probe = ways.probe ? await checkup.run('probe', (signal) => foundProbe(ways, signal)) : null
  const target = probe?.target ?? (ways.probe ? null : runningCluster(ways.records))
  try {
    if (!ways.proxyElsewhere || ways.public === null) await checkDirect(checkup, ways, target)
    if (ways.public !== null) await checkPublic(checkup, ways.public, target)
  } finally {
    await probe?.close()
  }
}

async function foundProbe(ways: Ways, signal: AbortSignal): Promise<Found<Probe>> {
  const facts = await openProbe(ways.gateway, ways.proxyToken, signal)
  return { finding: ok(`The gateway has made a way to a probe, ${facts.target.name}`), facts }
}

async function checkDirect(checkup: Checkup, ways: Ways, target: TunnelTarget | null) {
  const { http, tunnel } = ways.direct
  const advice = ways.proxyElsewhere
    ? 'Is it on another host? Then give the address of users: --public-address.'
    : "See the gateway's log for what became of its proxy, and the check of the port."
  const hop = { place: http, name: 'Our proxy', advice, judgeCertificate: false }
  const tunnelHop = { to: tunnel, name: 'Our proxy', own: true }
  await checkup.run('proxy: HTTP', (signal) => checkHttp(hop, signal))
  await checkup.run('proxy: WebSocket', (signal) => checkUpgrade(hop, signal))
  await checkup.run('proxy: TLS', (signal) => checkTunnel(tunnelHop, target, signal))
}

async function checkPublic(checkup: Checkup, way: Way, target: TunnelTarget | null) {
  // Whom to blame: what already fails at our own proxy is not the fault of those in front.
  const resultOf = (name: string): Result | undefined =>
    checkup.findings.find((each) => each.name === name)?.result
  const blamed = (name: string) =>
    resultOf(name) === 'failed' ? 'The way (our own proxy fails too)' : 'What stands in front'
  const hop = (name: string) => ({
    place: way.http,
    name: blamed(name),
    advice: `Let it pass everything of ${way.http.url} on to our proxy.`,
    judgeCertificate: true,
  })
  await checkup.run('public: HTTP', (signal) => checkHttp(hop('proxy: HTTP'), signal))
  await checkup.run('public: WebSocket', (signal) => checkUpgrade(hop('proxy: WebSocket'), signal))
  const tunnelHop = { to: way.tunnel, name: blamed('proxy: TLS'), own: false }
  await checkup.run('public: TLS', (signal) => checkTunnel(tunnelHop, target, signal))
}

function runningCluster({ clusters }: RecordsInspection): TunnelTarget | null {
  const cluster = clusters.find(({ status }) => status === 'running')
  if (cluster === undefined) return null
  const { name, tlsCert } = cluster
  return { name, what: 'a scheduler', fingerprint: fingerprintOf(tlsCert) }
}

export function endpointOf({ host, port }: HostPort): Endpoint {
  return { host: ['', '0.0.0.0', '::'].includes(host) ? '127.0.0.1' : host, port }
}
