import { GatewayError } from '../core/index.ts'

// Deeper than any request of a client, and far from what a recursive reader downstream could not take.
const maxDepth = 32

// A flat list costs little however long it is; 64 MiB of "[" or of "{}," would stop the gateway for ten seconds.
const looksAtBytes = 1024 * 1024
const maxPartsOfLarge = 10_000

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** A request's body as JSON. Throws 'invalid' with a sentence that says what is wrong with it. */
export function jsonBody(body: unknown): unknown {
  if (!(body instanceof Buffer) || body.length === 0) {
    throw new GatewayError('invalid', 'The request body is not JSON: it is empty')
  }
  if (body.length > looksAtBytes && hasManyParts(body)) {
    throw new GatewayError('invalid', 'The request body is a large one of too many parts')
  }
  const value = parsed(body)
  const wrong = fault(value, 1)
  if (wrong !== null) throw new GatewayError('invalid', `The request body ${wrong}`)
  return value
}

/** The same, where the body must be an object. */
export function jsonObject(body: unknown): { readonly [key: string]: unknown } {
  const value = jsonBody(body)
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as { readonly [key: string]: unknown }
  }
  throw new GatewayError('invalid', 'The request body must be a JSON object')
}

function parsed(body: Buffer): unknown {
  let text: string
  try {
    text = utf8.decode(body)
  } catch (cause) {
    throw new GatewayError('invalid', 'The request body is not JSON: it is not valid UTF-8', {
      cause,
    })
  }
  try {
    return JSON.parse(text)
  } catch (cause) {
    // V8's message quotes the text, which may hold a secret.
    throw new GatewayError('invalid', 'The request body is not JSON', { cause })
  }
}

/** Counts what begins an array, an object or a member, without parsing. */
function hasManyParts(body: Buffer): boolean {
  let parts = 0
  let isInText = false
  for (let at = 0; at < body.length; at++) {
    const byte = body[at]
    if (byte === 0x22) isInText = !isInText
    else if (isInText) at += byte === 0x5c ? 1 : 0
    else if (byte === 0x5b || byte === 0x7b || byte === 0x3a) parts++
    if (parts > maxPartsOfLarge) return true
  }
  return false
}

function fault(value: unknown, depth: number): string | null {
  if (typeof value !== 'object' || value === null) return null
  if (depth > maxDepth) return `is nested deeper than ${maxDepth} levels`
  if (Array.isArray(value)) {
    for (const each of value) {
      const found = fault(each, depth + 1)
      if (found !== null) return found
    }
    return null
  }
  for (const [key, each] of Object.entries(value)) {
    if (key === '__proto__') return 'has a key "__proto__", which is not allowed'
    const found = fault(each, depth + 1)
    if (found !== null) return found
  }
  return null
}
