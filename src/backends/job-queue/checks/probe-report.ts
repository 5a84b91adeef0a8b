import { X509Certificate } from 'node:crypto'
import { connect } from 'node:tls'
import { z } from 'zod'
import { type Finding, failed, messageOf, ok, warning } from '../../../core/index.ts'

const short = z.string().max(500)
const reportShape = z.object({
  host: short,
  port: z.int().min(1).max(65535),
  address: short.nullable(),
  python: short,
  packages: z.record(short, short.nullable()),
  api: z.object({
    status: z.int().nullable(),
    text: short,
    error: short.nullable(),
  }),
})
/** What python/probe_job.py tells. It ran as the user, so it could tell anything. */
export type ProbeReport = z.infer<typeof reportShape>

export function reportIn(text: string): ProbeReport | null {
  try {
    return reportShape.parse(JSON.parse(text))
  } catch {
    return null
  }
}

/** In the log of its job; null: it has not said it yet. */
export function reportInLog(log: string): ProbeReport | null {
  const text = /^dask-gateway-probe: (\{.*\})$/m.exec(log)?.[1]
  return text === undefined ? null : reportIn(text)
}

const limitMs = 3_000
const maxBytes = 16 * 1024

/** The report of a probe that listens there with this certificate; a string: why there is none. */
export function askProbe(
  place: { readonly host: string; readonly port: number; readonly fingerprint: string },
  signal: AbortSignal,
): Promise<ProbeReport | string> {
  const { host, port, fingerprint } = place
  return new Promise((resolve) => {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(limitMs)])
    let text = ''
    const end = (answer: ProbeReport | string) => {
      limit.removeEventListener('abort', late)
      socket.destroy()
      resolve(answer)
    }
    const late = () => end('no answer within 3 s')
    const socket = connect({ host, port, rejectUnauthorized: false })
    limit.addEventListener('abort', late, { once: true })
    socket.on('secureConnect', () => {
      const { raw } = socket.getPeerCertificate()
      if (raw === undefined || new X509Certificate(raw).fingerprint256 !== fingerprint)
        end('somebody else answers there')
    })
    socket.on('data', (chunk) => {
      text += chunk
      if (text.length > maxBytes) end('it says too much')
    })
    socket.on('error', (error) => end(messageOf(error)))
    socket.on('close', () => end(reportIn(text) ?? 'it says nothing that is understood'))
    if (limit.aborted) late()
  })
}

/** Whether a scheduler there could report to the gateway. */
export function judgeApi({ host, api }: ProbeReport, apiUrl: string): Finding {
  const advice =
    'Set c.Backend.api_url to a URL of the API (http://HOST:PORT/api) at which the nodes reach this machine, and open that port to them.'
  if (api.error !== null || api.status === null)
    return failed(`Node ${host} does not reach the API at ${apiUrl}: ${api.error}`, advice)
  if (/^\s*\{\s*"status"\s*:\s*"(pass|fail)"/.test(api.text))
    return ok(`Node ${host} reaches the gateway's API at ${apiUrl}`)
  return failed(
    `At ${apiUrl} node ${host} reaches something else than the gateway's API: status ${api.status}`,
    advice,
  )
}

/** Whether a scheduler could start in the Python that the probe ran in. */
export function judgePython(
  { python, packages, host }: ProbeReport,
  settingsName: string,
): Finding {
  const there = Object.entries(packages).flatMap(([name, version]) =>
    version === null ? [] : [`${name} ${version}`],
  )
  const missing = ['dask', 'distributed', 'dask_gateway'].filter((name) => packages[name] == null)
  const where = `${python} on node ${host}`
  const install = (names: readonly string[]) =>
    `Install it there: python -m pip install ${names.join(' ').replaceAll('_', '-')}; or set c.${settingsName}.scheduler_setup and scheduler_cmd.`
  if (missing.length > 0)
    return failed(
      `Clusters run ${where}, in which ${missing.join(', ')} ${missing.length > 1 ? 'are' : 'is'} missing: no cluster can start`,
      install(missing),
    )
  if (packages.bokeh == null)
    return warning(
      `Clusters run ${where}, with ${there.join(', ')}; without bokeh there are no dashboards`,
      install(['bokeh']),
    )
  return ok(`Clusters run ${where}, with ${there.join(', ')}`)
}
