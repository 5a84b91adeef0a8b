import type { SecurityContext } from '../../kerberos/index.ts'
import { HadoopError } from '../errors.ts'
import type { Protection, SecurityLayer } from './protection.ts'

// GSSAPI (RFC 4752), the client's side. When the Kerberos context is there (mutual, so the server has proved itself), the server sends, wrapped,
//
//     one byte: the layers it offers (1 none, 2 integrity, 4 privacy), three bytes: the longest message it takes
//
// and the client answers in the same form with the one it has chosen, wrapped without encryption. With no layer the length is 0.

const layerBit = { authentication: 1, integrity: 2, privacy: 4 } as const
const maximumBytes = 65536
/** More than Kerberos adds to a message (RFC 4121: 60 bytes with AES). */
const overheadBytes = 128

/** The answer to the server's offer, of what is configured the first that it has, and the layer; null with `authentication`. */
export function answerGssOffer(
  offer: Uint8Array,
  context: SecurityContext,
  protections: readonly Protection[],
): { readonly response: Buffer; readonly layer: SecurityLayer | null } {
  const bytes = opened(context, offer).bytes
  if (bytes.length !== 4)
    throw new HadoopError('protocol', "the server's offer of protections has not four bytes")
  const offered = bytes.readUInt8(0)
  const chosen = protections.find((each) => (offered & layerBit[each]) !== 0)
  if (chosen === undefined) {
    const names = (['authentication', 'integrity', 'privacy'] as const).filter(
      (each) => (offered & layerBit[each]) !== 0,
    )
    throw new HadoopError(
      'security',
      `the server offers ${names.join(', ') || 'nothing'}, but the configured protection is ${protections.join(', ')}`,
    )
  }
  const answer = Buffer.alloc(4)
  if (chosen !== 'authentication') answer.writeUInt32BE(maximumBytes)
  answer.writeUInt8(layerBit[chosen])
  const response = context.wrap(answer, false)
  if (chosen === 'authentication') return { response, layer: null }
  const largest = bytes.readUIntBE(1, 3)
  return {
    response,
    layer: {
      maximumBytes: Math.max(1024, largest - overheadBytes),
      wrap: (message) => context.wrap(message, chosen === 'privacy'),
      unwrap(token) {
        const { bytes: message, confidential } = opened(context, token)
        if (chosen === 'privacy' && !confidential)
          throw new HadoopError('security', 'the server sends what it should encrypt unencrypted')
        return message
      },
      close: () => context.close(),
    },
  }
}

function opened(context: SecurityContext, token: Uint8Array) {
  try {
    return context.unwrap(token)
  } catch (cause) {
    throw new HadoopError('security', 'a protected message was changed on its way', { cause })
  }
}
