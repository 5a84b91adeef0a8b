import { generateKeyPair, hash, type KeyObject, randomBytes, sign } from 'node:crypto'
import { promisify } from 'node:util'
import { bitString, context, der, integer, objectId, octetString, sequence, time } from './der.ts'

/** A self-signed certificate and its key, PEM. */
export interface KeyPair {
  readonly certPem: string
  readonly keyPem: string
}

const tenYearsMs = 10 * 365.25 * 86400e3

/**
 * A new ECDSA P-256 pair, valid from a day ago (clocks of nodes differ) for ten years. It is its own authority: a server's, a
 * client's and the only trusted certificate at once, as `distributed` uses one pair for all.
 */
export async function createKeyPair(names: readonly string[]): Promise<KeyPair> {
  const keys = await promisify(generateKeyPair)('ec', { namedCurve: 'P-256' })
  const certificate = selfSigned(names, keys, Date.now())
  return {
    certPem: pem('CERTIFICATE', certificate),
    keyPem: String(keys.privateKey.export({ type: 'pkcs8', format: 'pem' })),
  }
}

// RFC 5280, section 4.1:
//   Certificate     SEQUENCE { tbsCertificate, signatureAlgorithm, signature BIT STRING }
//   TBSCertificate  SEQUENCE { [0] version, serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo,
//                              [3] extensions }
//   Extension       SEQUENCE { OBJECT IDENTIFIER, critical BOOLEAN DEFAULT FALSE, OCTET STRING }
function selfSigned(
  names: readonly string[],
  keys: { readonly publicKey: KeyObject; readonly privateKey: KeyObject },
  nowMs: number,
): Buffer {
  const ecdsaWithSha256 = sequence(objectId('1.2.840.10045.4.3.2'))
  const commonName = sequence(objectId('2.5.4.3'), der(0x0c, Buffer.from('dask-internal')))
  const subject = sequence(der(0x31, commonName))
  const publicKey = keys.publicKey.export({ type: 'spki', format: 'der' })
  const toBeSigned = sequence(
    context(0, integer(Buffer.from([2]))),
    integer(randomBytes(16)),
    ecdsaWithSha256,
    subject,
    sequence(time(nowMs - 86400e3), time(nowMs + tenYearsMs)),
    subject,
    publicKey,
    context(3, sequence(...extensions(names, publicKey))),
  )
  const signature = sign('sha256', toBeSigned, keys.privateKey)
  return sequence(toBeSigned, ecdsaWithSha256, bitString(signature))
}

function extensions(names: readonly string[], publicKey: Buffer): readonly Buffer[] {
  const yes = der(0x01, Buffer.from([0xff]))
  const isAuthority = sequence(yes, integer(Buffer.from([0])))
  // [2] dNSName, an implicit IA5String (section 4.2.1.6).
  const subjectNames = names.map((name) => der(0x82, Buffer.from(name, 'ascii')))
  // Section 4.2.1.2, method (1): SHA-1 of the key's bits, the last 65 bytes of an uncompressed point's SPKI.
  const bits = publicKey.subarray(-65)
  return [
    sequence(objectId('2.5.29.19'), yes, octetString(isAuthority)),
    sequence(objectId('2.5.29.17'), octetString(sequence(...subjectNames))),
    sequence(objectId('2.5.29.14'), octetString(octetString(hash('sha1', bits, 'buffer')))),
  ]
}

function pem(label: string, bytes: Buffer): string {
  const lines = bytes.toString('base64').replace(/.{64}(?=.)/g, '$&\n')
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`
}
