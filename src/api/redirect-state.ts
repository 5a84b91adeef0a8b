import { createHmac } from 'node:crypto'
import { randomHex, sameSecret } from '../util/index.ts'

const stateLifeMs = 15 * 60_000

/**
 * The state that travels through another server's login:
 *
 *   until "." random "." base64url(next) "." signature
 *
 * The signature covers the random value in the browser's cookie too, so that a state is worth nothing in any other
 * browser (RFC 6749, section 10.12), and nobody else can say where a login leads.
 */
export function createRedirectState(signingKey: Buffer, now: () => number = Date.now) {
  const sign = (text: string) => createHmac('sha256', signingKey).update(text).digest('hex')

  return {
    issue(nonce: string, next: string): string {
      const target = Buffer.from(next).toString('base64url')
      const text = `${now() + stateLifeMs}.${randomHex(8)}.${target}`
      return `${text}.${sign(`redirect ${nonce} ${text}`)}`
    },
    /** Where a valid state leads; null: not ours, not this browser's, or too old. */
    nextOf(nonce: string | null, state: string): string | null {
      const [, text = '', until, target = '', signature = ''] =
        /^((\d{1,15})\.[0-9a-f]{16}\.([\w-]*))\.([0-9a-f]{64})$/.exec(state) ?? []
      if (nonce === null || !sameSecret(signature, sign(`redirect ${nonce} ${text}`))) return null
      return Number(until) > now() ? Buffer.from(target, 'base64url').toString() : null
    },
    /** The same for the same state; another for every other. */
    secretOf: (nonce: string, state: string): string => sign(`secret ${nonce} ${state}`),
  }
}
