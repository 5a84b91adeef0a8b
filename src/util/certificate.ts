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
  // Loaded when first needed: the library costs a tenth of a second at start.
  await import('reflect-metadata')
  const x509 = await import('@peculiar/x509')
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=dask-internal',
    notBefore: new Date(Date.now() - 86400e3),
    notAfter: new Date(Date.now() + tenYearsMs),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.SubjectAlternativeNameExtension(
        names.map((value) => ({ type: 'dns' as const, value })),
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  const key = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey))
  return { certPem: `${certificate.toString('pem')}\n`, keyPem: pem('PRIVATE KEY', key) }
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString('base64').replace(/.{64}(?=.)/g, '$&\n')
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`
}
