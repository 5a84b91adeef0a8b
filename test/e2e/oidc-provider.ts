import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'

// A package without types.
const packageName: string = 'oidc-provider'
const { default: Provider } = (await import(packageName)) as {
  readonly default: new (issuer: string, configuration: object) => { callback(): RequestListener }
}

export const clientSecret = 'the+secret/of=the client:%'.replaceAll(' ', '_')

export interface OidcProvider {
  readonly issuer: string
  /** With new keys, and nobody logged in; nothing while it runs. */
  start(): Promise<void>
  stop(): Promise<void>
}

/**
 * A real OpenID provider (the package oidc-provider) on a port of this machine. Its login page takes any name and password. As most do,
 * it tells names and groups at its user info, and no more than the subject in ID tokens.
 */
export function createOidcProvider(
  port: number,
  gateway: string,
  groupsOf: (name: string) => readonly string[],
): OidcProvider {
  const issuer = `http://127.0.0.1:${port}`
  let server: Server | null = null

  function configuration() {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const key = { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig' }
    const redirects = {
      redirect_uris: [`${gateway}/oauth_callback`],
      post_logout_redirect_uris: [`${gateway}/login`],
    }
    return {
      jwks: { keys: [{ ...key, alg: 'RS256' }] },
      cookies: { keys: [randomUUID()] },
      clients: [
        { client_id: 'gateway', client_secret: clientSecret, ...redirects },
        { client_id: 'public', token_endpoint_auth_method: 'none', ...redirects },
      ],
      claims: { openid: ['sub'], profile: ['preferred_username', 'groups'] },
      findAccount: (_context: unknown, id: string) => ({
        accountId: id,
        claims: async () => ({ sub: id, preferred_username: id, groups: groupsOf(id) }),
      }),
    }
  }

  return {
    issuer,
    async start() {
      if (server !== null) return
      server = createServer(new Provider(issuer, configuration()).callback())
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
    },
    async stop() {
      const closing = server
      if (closing === null) return
      server = null
      closing.close()
      closing.closeAllConnections()
      await once(closing, 'close')
    },
  }
}

/** A browser as far as logins need one: it keeps cookies, and follows no redirects by itself. */
export function createCookieClient() {
  const cookies = new Map<string, string>()
  return {
    cookies,
    /** Posts a form, or a text as it is. */
    async ask(url: string, form?: string | { readonly [name: string]: string }) {
      const answer = await fetch(url, {
        redirect: 'manual',
        headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
        signal: AbortSignal.timeout(30_000),
        ...(form !== undefined && {
          method: 'POST',
          body: typeof form === 'string' ? form : new URLSearchParams(form),
        }),
      })
      for (const cookie of answer.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? []
        if (value === '') cookies.delete(name)
        else cookies.set(name, value)
      }
      const location = answer.headers.get('location')
      return {
        status: answer.status,
        text: await answer.text(),
        location: location === null ? null : new URL(location, url).href,
      }
    },
  }
}

export type CookieClient = ReturnType<typeof createCookieClient>

/** Logs in at the provider, from where the gateway has sent us: gives the URL with the code. */
export async function logInAtProvider(
  browser: CookieClient,
  name: string,
  from: string | null,
  callback: string,
): Promise<string> {
  let url = from ?? ''
  for (let steps = 0; steps < 20; steps++) {
    if (url.startsWith(callback)) return url
    const page = await browser.ask(url)
    if (page.location !== null) {
      url = page.location
      continue
    }
    const [, action] = /<form[^>]* action="([^"]+)"/.exec(page.text) ?? []
    const [, prompt] = /name="prompt" value="(\w+)"/.exec(page.text) ?? []
    if (action === undefined || prompt === undefined) throw new Error(`no form: ${page.text}`)
    const form = prompt === 'login' ? { prompt, login: name, password: 'x' } : { prompt }
    url = (await browser.ask(new URL(action, url).href, form)).location ?? ''
  }
  throw new Error('The login came to no end')
}
