import { ask, type HttpAnswer, type NoAnswer } from './ask.ts'
import { type Finding, failed, ok, warning } from './checkup.ts'
import type { Place } from './place.ts'

/** Who is to blame when an answer is wrong: our own side, or what stands before it. */
export interface Hop {
  readonly place: Place
  /** "The proxy", "What stands in front". */
  readonly name: string
  /** What to do when it does not answer. */
  readonly advice: string
  /** Whether its certificate is judged: on this host it is asked by another name than its own. */
  readonly judgeCertificate: boolean
}

/** The gateway by its private address, where it tells why it is not ready. */
export async function checkReady(place: Place, signal: AbortSignal): Promise<Finding> {
  const answer = await ask(place, '/readyz', signal)
  if ('reason' in answer)
    return failed(
      `The gateway's private address, ${place.url}, does not answer: ${answer.reason}`,
      'Its log says more. If it hangs, end it and start it again: clusters go on.',
    )
  const reasons = reasonsIn(answer.text)
  if (reasons === null)
    return failed(`${place.url} is not a gateway: it answers ${shown(answer)}`, null)
  if (answer.status === 200) return ok(`The gateway answers at ${place.url} and is ready`)
  return {
    ...failed(`The gateway answers at ${place.url}, but is not ready`, 'See the reasons.'),
    details: reasons,
  }
}

/** `{"status": …, "checks": {NAME: "pass" or the reason}}`; null: it is something else. */
function reasonsIn(text: string): readonly string[] | null {
  try {
    const { status, checks = {} } = JSON.parse(text)
    if (status !== 'pass' && status !== 'fail') return null
    return Object.entries(checks)
      .filter(([, reason]) => reason !== 'pass')
      .map(([name, reason]) => `${name}: ${reason}`)
  } catch {
    return null
  }
}

/** Plain requests by the way that clients take. */
export async function checkHttp(hop: Hop, signal: AbortSignal): Promise<Finding> {
  const live = await ask(hop.place, '/livez', signal)
  if ('reason' in live || live.status !== 200) return judgeHttp(hop, live, live, Date.now())
  return judgeHttp(hop, live, await ask(hop.place, '/api/health', signal), Date.now())
}

const soonMs = 14 * 86400e3

/** Pure: what the answers to /livez and /api/health mean. */
export function judgeHttp(
  hop: Hop,
  live: HttpAnswer | NoAnswer,
  health: HttpAnswer | NoAnswer,
  now: number,
): Finding {
  const { url } = hop.place
  if ('reason' in live)
    return failed(`${hop.name} does not answer at ${url}: ${live.reason}`, hop.advice)
  if (live.status >= 300 && live.status < 400)
    return failed(
      `${hop.name} at ${url} sends clients elsewhere (${shown(live)})`,
      'Give the address that it leads to: the Python client does not follow redirections.',
    )
  if (live.status !== 200 || reasonsIn(live.text) === null)
    return failed(
      `${hop.name} at ${url} does not lead to the gateway: /livez is answered with ${shown(live)}`,
      hop.advice,
    )
  if ('reason' in health || health.status !== 200)
    return failed(
      `The gateway answers through ${url}, but does not call itself healthy: ${'reason' in health ? health.reason : shown(health)}`,
      'The check "gateway" and its log say why.',
    )
  if (hop.judgeCertificate && live.distrust !== null)
    return warning(
      `HTTP comes through ${url}, but its certificate is not trusted here: ${live.distrust}`,
      "Clients need its authority: the variable SSL_CERT_FILE, or a certificate of one that they know. (This command trusts Node's list, and NODE_EXTRA_CA_CERTS.)",
    )
  const { certificateEndsAt: endsAt } = live
  if (endsAt !== null && endsAt - now < soonMs)
    return warning(
      `HTTP comes through ${url}, but its certificate ends at ${new Date(endsAt).toISOString()}`,
      'Renew it; SIGHUP makes the gateway read it anew.',
    )
  return ok(`HTTP comes through ${url}`)
}

/** A WebSocket to the gateway itself by the way that browsers take to dashboards. */
export async function checkUpgrade(hop: Hop, signal: AbortSignal): Promise<Finding> {
  return judgeUpgrade(hop, await ask(hop.place, '/livez', signal, { upgrade: true }))
}

/** Pure: the gateway opens the WebSocket; a plain answer to /livez means that the wish for it was lost on the way. */
export function judgeUpgrade(hop: Hop, answer: HttpAnswer | NoAnswer): Finding {
  const { url } = hop.place
  if ('reason' in answer)
    return failed(`${hop.name} at ${url} breaks off a WebSocket: ${answer.reason}`, upgradeAdvice)
  if (answer.upgraded) return ok(`WebSockets come through ${url}`)
  if (answer.status === 200 && reasonsIn(answer.text) !== null)
    return failed(
      `${hop.name} at ${url} drops the Upgrade header: the gateway saw a plain request, so dashboards will not move`,
      upgradeAdvice,
    )
  return failed(`${hop.name} at ${url} answers a WebSocket with ${shown(answer)}`, upgradeAdvice)
}

const upgradeAdvice =
  'Let it pass upgrades. nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade".'

function shown({ status, by }: HttpAnswer): string {
  return by === '' ? `status ${status}` : `status ${status} by ${by}`
}
