import { beginByTicket, KerberosError } from '../../src/kerberos/index.ts'
import { GatewayError } from '../src/index.ts'

/**
 * `fetch` by the user's ticket (SPNEGO, RFC 4559): each request has a token of its own, as none may come twice, and an answer must prove
 * that it is from the service of that name, unless it is an error.
 */
export const fetchByTicket: typeof fetch = async (input, init) => {
  const host = new URL(input instanceof Request ? input.url : String(input)).hostname
  const context = beginByTicket(
    { service: 'HTTP', host },
    { mechanism: 'spnego', confidential: false },
  )
  try {
    const { token } = await context.step(null)
    const headers = new Headers(init?.headers)
    headers.set('authorization', `Negotiate ${token?.toString('base64')}`)
    const response = await fetch(input, { ...init, headers })
    const [, answer] =
      /^Negotiate ([A-Za-z0-9+/=]+)$/i.exec(response.headers.get('www-authenticate') ?? '') ?? []
    if (answer === undefined) {
      if (!response.ok) return response
      throw unproven(host, 'its answer has no token')
    }
    if (!(await context.step(Buffer.from(answer, 'base64'))).done)
      throw unproven(host, 'its token is not its last')
    return response
  } catch (cause) {
    if (!(cause instanceof KerberosError)) throw cause
    throw new GatewayError('unauthenticated', `${cause.message} (kinit gets a ticket)`, { cause })
  } finally {
    context.close()
  }
}

function unproven(host: string, why: string): GatewayError {
  return new GatewayError('unexpected', `${host} does not prove by Kerberos who it is: ${why}`)
}
