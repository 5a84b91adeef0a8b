import * as oauth from 'oauth4webapi'
import { type Logger, messageOf } from '../../core/index.ts'
import type { OutsideClient } from '../outside-client.ts'
import { isSafeUrl, type OidcSettings } from './oidc-settings.ts'

/** An OpenID provider: what it says of itself, and the way to it. */
export interface Provider {
  readonly client: oauth.Client
  /** For every request of the library. */
  readonly requests: Requests
  /** Its discovery document, of at most an hour ago where it answers. Rejects as the library and `NoAnswer` do. */
  metadata(): Promise<oauth.AuthorizationServer>
}

interface Requests {
  [oauth.customFetch]: Fetch
  [oauth.allowInsecureRequests]: boolean
}

type Fetch = (
  url: string,
  options: {
    readonly method: string
    readonly headers: { readonly [name: string]: string }
    readonly body?: URLSearchParams | null | undefined
  },
) => Promise<Response>

/** No whole answer of the provider: it is away for now. */
export class NoAnswer extends Error {}

const keptMs = 3600_000
const againMs = 60_000

/** `ask` alone goes outside: within its limits, and only where nobody listens on the way. */
export function createProvider(
  settings: Pick<OidcSettings, 'issuer' | 'client_id' | 'clock_tolerance' | 'provider_name'>,
  ask: OutsideClient['ask'],
  logger: Logger,
): Provider {
  const issuer = new URL(settings.issuer)
  const requests = {
    [oauth.customFetch]: fetchBy(ask),
    [oauth.allowInsecureRequests]: true, // `fetchBy` looks at each URL
  }
  let known: { readonly document: oauth.AuthorizationServer; readonly until: number } | null = null
  let asking: Promise<oauth.AuthorizationServer> | null = null

  async function discover(): Promise<oauth.AuthorizationServer> {
    const response = await oauth.discoveryRequest(issuer, requests)
    const document = await oauth.processDiscoveryResponse(issuer, response).catch(renamed)
    for (const name of ['authorization_endpoint', 'token_endpoint', 'jwks_uri'] as const)
      if (!isSafeUrl(document[name] ?? ''))
        throw new Error(`its discovery document has no ${name} that is an https URL`)
    known = { document, until: performance.now() + keptMs }
    return document
  }

  return {
    client: {
      client_id: settings.client_id,
      [oauth.clockTolerance]: settings.clock_tolerance,
    },
    requests,
    async metadata() {
      if (known !== null && known.until > performance.now()) return known.document
      asking ??= discover().finally(() => {
        asking = null
      })
      try {
        return await asking
      } catch (error) {
        if (known === null) throw error
        logger.warn(
          `${settings.provider_name} does not tell of itself; what it told before is used: ${messageOf(error)}`,
        )
        known = { ...known, until: performance.now() + againMs }
        return known.document
      }
    },
  }
}

/** Of an issuer that is another, or is written otherwise, the library does not say which. */
function renamed(error: unknown): never {
  const { code, cause } = error as {
    readonly code?: unknown
    readonly cause?: { readonly body?: { readonly issuer?: unknown } }
  }
  if (code !== oauth.JSON_ATTRIBUTE_COMPARISON) throw error
  throw new Error(
    `it calls itself ${JSON.stringify(cause?.body?.issuer)?.slice(0, 200)}, which is not OIDCAuthenticator.issuer`,
  )
}

const withoutBody: ReadonlySet<number> = new Set([204, 205, 304])

function fetchBy(ask: OutsideClient['ask']): Fetch {
  return async (url, { method, headers, body }) => {
    if (!isSafeUrl(url)) throw new Error(`${new URL(url).origin} is not asked, as it is not https`)
    const answer = await ask({
      ...{ url, headers, method: method === 'POST' ? 'POST' : 'GET' },
      ...(body != null && { body: body.toString() }),
    }).catch((error: unknown) => {
      throw new NoAnswer(messageOf(error))
    })
    const { status, contentType, text } = answer
    if (status < 200 || status >= 500) throw new NoAnswer(`it answered with status ${status}`)
    return new Response(withoutBody.has(status) ? null : text, {
      status,
      headers: { 'content-type': contentType },
    })
  }
}
