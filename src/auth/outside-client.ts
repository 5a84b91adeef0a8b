import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import { messageOf } from '../core/index.ts'

/** An answer of a server, its body read. */
export interface OutsideAnswer {
  readonly status: number
  /** Empty: none. */
  readonly contentType: string
  readonly text: string
}

export interface OutsideRequest {
  readonly method: 'GET' | 'POST'
  readonly url: string
  readonly headers: { readonly [name: string]: string }
  readonly body?: string
}

/** PEM. */
export interface ClientTls {
  readonly key?: Buffer
  readonly cert?: Buffer
  readonly ca?: Buffer
}

export interface OutsideClientOptions {
  readonly tls: ClientTls
  /** From the call to the last byte, the wait for a free place included. */
  readonly limitMs: number
  /** So many at once; the others wait. */
  readonly maxInFlight: number
  /** So many may wait; what comes then is refused at once. */
  readonly maxWaiting: number
}

/** Asks the server that knows the users: a hub, an OpenID provider. */
export interface OutsideClient {
  /** Rejects with words, and nothing else, when no whole answer came. */
  ask(request: OutsideRequest): Promise<OutsideAnswer>
  /** For the questions from now on. */
  useTls(tls: ClientTls): void
  /** Ends what is under way. */
  close(): void
}

const maxAnswerBytes = 1024 * 1024

/**
 * Follows no redirects, since a secret must go nowhere else. Connections are not kept: a server that was restarted would be
 * met by a broken one, and a session makes questions rare.
 */
export function createOutsideClient(options: OutsideClientOptions): OutsideClient {
  const { maxInFlight: maxSockets } = options
  const agentsWith = (tls: ClientTls) => ({
    http: new HttpAgent({ maxSockets }),
    https: new HttpsAgent({ ...tls, maxSockets }),
  })
  let agents = agentsWith(options.tls)
  const closing = new AbortController()
  let underWay = 0

  function begin({ method, url, headers }: OutsideRequest, signal: AbortSignal) {
    const secure = url.startsWith('https:')
    const agent = secure ? agents.https : agents.http
    return (secure ? requestHttps : requestHttp)(url, {
      ...{ method, agent, signal },
      headers: { accept: 'application/json', 'user-agent': 'dask-gateway-server', ...headers },
    })
  }

  async function exchange(request: OutsideRequest): Promise<OutsideAnswer> {
    const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(options.limitMs)])
    const answered = Promise.withResolvers<IncomingMessage>()
    const outgoing = begin(request, signal)
    outgoing.on('response', answered.resolve)
    outgoing.on('error', answered.reject)
    outgoing.end(request.body)
    try {
      const response = await answered.promise
      const contentType = response.headers['content-type'] ?? ''
      return { status: response.statusCode ?? 0, contentType, text: await textOf(response) }
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
      agents = agentsWith(tls)
    },
    close() {
      closing.abort()
      agents.http.destroy()
      agents.https.destroy()
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
