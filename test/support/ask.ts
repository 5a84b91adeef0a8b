import { type Agent, type IncomingHttpHeaders, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/** One request; without an agent on a connection of its own. Follows nothing; `ca`: who is trusted, for HTTPS. */
export function ask(
  url: string,
  options: {
    readonly method?: string
    readonly headers?: { readonly [name: string]: string }
    readonly body?: string
    readonly ca?: string
    readonly agent?: Agent
    readonly limitMs?: number
  } = {},
): Promise<Answer> {
  const { body, agent = false, limitMs: timeout = 30_000, ...how } = options
  const request = url.startsWith('https:') ? requestHttps : requestHttp
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const asked = request(url, { ...how, agent, timeout })
  asked.on('timeout', () => asked.destroy(new Error(`no answer from ${url}`)))
  asked.on('error', reject)
  asked.on('response', (response) => {
    response.toArray().then((chunks: Buffer[]) => {
      const text = Buffer.concat(chunks).toString('utf8')
      resolve({ status: response.statusCode ?? 0, headers: response.headers, text })
    }, reject)
  })
  asked.end(body)
  return promise
}
