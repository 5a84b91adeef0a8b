import { request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { GatewayError, type Json } from '../core/index.ts'

/** Sends one message to a scheduler's API listener (wire-protocol.md, 5.2). */
export type SendToScheduler = (apiAddress: string, token: string, message: Json) => Promise<void>

const tries = 3
const timeoutMs = 10_000

/** Throws 'unavailable' when the scheduler could not be reached or refused, after three tries. */
export const sendToScheduler: SendToScheduler = async (apiAddress, token, message) => {
  for (let attempt = 1; ; attempt++) {
    try {
      const status = await post(`${apiAddress}/api/comm`, token, JSON.stringify(message))
      if (status === 200) return
      throw new Error(`it answered ${status}`)
    } catch (cause) {
      if (attempt === tries)
        throw new GatewayError(
          'unavailable',
          `The scheduler could not be told: ${(cause as Error).message}`,
          { cause },
        )
      await delay(attempt * 100)
    }
  }
}

/** The status of a POST; the answer's body is the user's and is not read. */
function post(url: string, token: string, body: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, {
      method: 'POST',
      agent: false,
      signal: AbortSignal.timeout(timeoutMs),
      headers: {
        authorization: `token ${token}`,
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
      },
    })
    outgoing.on('response', (response) => {
      resolve(response.statusCode ?? 0)
      response.destroy()
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}
