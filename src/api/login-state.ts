import { createHmac } from 'node:crypto'
import { randomHex, sameSecret } from '../util/index.ts'

const stateLifeMs = 15 * 60_000

/**
 * Ties a login form to the browser that was shown it, so that no other page can log somebody in: the form carries a
 * signature, good for a quarter of an hour, over a random value in a cookie.
 */
export function createLoginState(signingKey: Buffer, now: () => number = Date.now) {
  const sign = (nonce: string, until: string) =>
    createHmac('sha256', signingKey).update(`login ${nonce} ${until}`).digest('hex')

  return {
    /** `nonce`: the cookie that the browser has already, if it has one. */
    issue(nonce: string | null): { readonly nonce: string; readonly state: string } {
      const kept = nonce !== null && /^[0-9a-f]{32}$/.test(nonce) ? nonce : randomHex(16)
      const until = String(now() + stateLifeMs)
      return { nonce: kept, state: `${until}.${sign(kept, until)}` }
    },
    isValid(nonce: string | null, state: string): boolean {
      const [, until, signature] = /^(\d{1,15})\.([0-9a-f]{64})$/.exec(state) ?? []
      if (nonce === null || until === undefined || signature === undefined) return false
      return Number(until) > now() && sameSecret(signature, sign(nonce, until))
    },
  }
}
