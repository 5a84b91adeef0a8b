import { randomHex } from '../../util/index.ts'
import { type Finding, failed, ok, warning } from './checkup.ts'
import { type Endpoint, type HelloAnswer, sayHello } from './tls-hello.ts'

/** A cluster, or a probe in the place of one: who is to answer TLS with its name. */
export interface TunnelTarget {
  readonly name: string
  readonly what: 'a scheduler' | 'the probe'
  /** SHA-256 of its certificate. */
  readonly fingerprint: string
}

export interface TunnelHop {
  readonly to: Endpoint
  /** "Our proxy", or "What stands in front". */
  readonly name: string
  /** Whether it is our own proxy, whose answer alone is asked for. */
  readonly own: boolean
}

/** TLS with SNI, as clients reach schedulers: to a name that nobody has, and to one that somebody has. */
export async function checkTunnel(
  hop: TunnelHop,
  target: TunnelTarget | null,
  signal: AbortSignal,
): Promise<Finding> {
  const limit = () => AbortSignal.any([signal, AbortSignal.timeout(5_000)])
  const unknown = await sayHello(hop.to, `daskgateway-${randomHex(16)}`, limit())
  const known =
    target === null ? null : await sayHello(hop.to, `daskgateway-${target.name}`, limit())
  return judgeTunnel(hop, unknown, target, known)
}

/** Pure. Our proxy closes what has an unknown name without a byte, and passes on what has a known one. */
export function judgeTunnel(
  hop: TunnelHop,
  unknown: HelloAnswer,
  target: TunnelTarget | null,
  known: HelloAnswer | null,
): Finding {
  const where = `${hop.name} at ${hop.to.host}:${hop.to.port}`
  const advice = hop.own
    ? 'Whatever listens there is not our proxy as it should be: see the check of the port.'
    : passThrough
  if (unknown.kind === 'unreachable')
    return failed(`${where} cannot be reached: ${unknown.reason}`, hop.own ? null : passThrough)
  if (unknown.kind === 'tls')
    return failed(
      `${where} answers TLS itself, with the certificate of ${unknown.certificate.subject}: the name daskgateway-… (SNI) goes no further than there, so no client reaches a scheduler`,
      advice,
    )
  if (unknown.kind === 'not-tls')
    return failed(
      `${where} takes no TLS: it answers a hello with "${unknown.text}", so no client reaches a scheduler`,
      advice,
    )
  if (unknown.kind !== 'closed')
    return failed(
      `${where} ${unknown.kind === 'silent' ? 'says nothing to' : 'refuses'} a TLS hello for a cluster that nobody has; our proxy would close the connection${unknown.kind === 'refused' ? ` (${unknown.reason})` : ''}`,
      advice,
    )
  if (target === null || known === null)
    return warning(
      `${where} closes TLS for a cluster that nobody has, as our proxy does; no cluster runs to try the whole way with`,
      'With --probe, the gateway makes a way to a probe for half a minute.',
    )
  if (known.kind === 'tls' && known.certificate.fingerprint === target.fingerprint)
    return ok(`TLS with SNI comes through ${hop.to.host}:${hop.to.port} to ${target.what}`)
  return failed(`${where} ${notThrough(known)} TLS for ${target.what}`, reachAdvice(hop, target))
}

function notThrough(known: HelloAnswer): string {
  switch (known.kind) {
    case 'tls':
      return `leads to somebody else (${known.certificate.subject}) with`
    case 'closed':
      return 'closes'
    case 'silent':
      return 'says nothing to'
    case 'not-tls':
      return `answers "${known.text}" to`
    default:
      return `refuses (${known.reason})`
  }
}

function reachAdvice(hop: TunnelHop, target: TunnelTarget): string {
  if (!hop.own) return passThrough
  return target.what === 'the probe'
    ? 'A proxy on another host cannot reach a probe on this one. Else see the log of the proxy.'
    : "The proxy cannot reach that scheduler, or has not learned its route: see the proxy's log."
}

const passThrough =
  "It must pass TLS for the names daskgateway-… on to our proxy unopened. HAProxy: a frontend of mode tcp with req.ssl_sni -m beg daskgateway-; nginx: a stream server with ssl_preread. Or give schedulers' traffic a port of its own (Proxy.tcp_address), open it, and tell clients (proxy_address)."
