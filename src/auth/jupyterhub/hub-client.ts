import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import { messageOf } from '../../core/index.ts'

/** An answer of the hub, its body read. */
export interface HubAnswer {
  readonly status: number
  readonly text: string
}

export interface HubRequest {
  readonly method: 'GET' | 'POST'
  /** Below the API's URL. */
  readonly path: string
  readonly headers: { readonly [name: string]: string }
  readonly body?: string
}

/** PEM. */
export interface HubTls {
  readonly key?: Buffer
  readonly cert?: Buffer
  readonly ca?: Buffer
}

export interface HubClientOptions {
  readonly apiUrl: string
  readonly tls: HubTls
  /** From the call to the last byte, the wait for a free place included. */
  readonly limitMs: number
  /** So many at once; the others wait. */
  readonly maxInFlight: number
  /** So many may wait; what comes then is refused at once. */
  readonly maxWaiting: number
}

export interface HubClient {
  /** Rejects with words, and nothing else, when no whole answer came. */
  ask(request: HubRequest): Promise<HubAnswer>
  /** For the questions from now on. */
  useTls(tls: HubTls): void
  /** Ends what is under way. */
  close(): void
}

const maxAnswerBytes = 1024 * 1024

/**
 * Asks the hub, without following redirects, since a token must go nowhere else. Connections are not kept: a hub that was
 * restarted would be met by a broken one, and a session makes questions rare.
 */
export function createHubClient(options: HubClientOptions): HubClient {
  const secure = options.apiUrl.startsWith('https:')
  const agentWith = (tls: HubTls) =>
    secure
      ? new HttpsAgent({ ...tls, maxSockets: options.maxInFlight })
      : new HttpAgent({ maxSockets: options.maxInFlight })
  let agent = agentWith(options.tls)
  const send = secure ? requestHttps : requestHttp
  const closing = new AbortController()
  let underWay = 0

  async function exchange({ method, path, headers, body }: HubRequest): Promise<HubAnswer> {
    const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(options.limitMs)])
    const answered = Promise.withResolvers<IncomingMessage>()
    const outgoing = send(`${options.apiUrl}${path}`, {
      method,
      agent,
      signal,
      headers: { accept: 'application/json', 'user-agent': 'dask-gateway-server', ...headers },
    })
    outgoing.on('response', answered.resolve)
    outgoing.on('error', answered.reject)
    outgoing.end(body)
    try {
      const response = await answered.promise
      return { status: response.statusCode ?? 0, text: await textOf(response) }
    } catch (error) {
      throw new Error(signal.aborted ? endOf(signal) : messageOf(error))
    } finally {
      outgoing.destroy()
    }
  }

  function endOf(signal: AbortSignal): string {
    const timedOut = signal.reason instanceof DOMException && signal.reason.name === 'TimeoutError'
    return timedOut ? `no answer within ${options.limitMs / 1000} s` : 'the gateway is stopping'
  }

  return {
    async ask(request) {
      if (underWay >= options.maxInFlight + options.maxWaiting)
        throw new Error(`${underWay} questions are under way already`)
      underWay++
      try {
        return await exchange(request)
      } finally {
        underWay--
      }
    },
    useTls(tls) {
      agent = agentWith(tls)
    },

    close() {
      closing.abort()
      agent.destroy()
    },
  }
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > maxAnswerBytes) throw new Error(`an answer of more than ${maxAnswerBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
