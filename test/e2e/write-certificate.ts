import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { chmodSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The lines by which a gateway uses what `writeCertificate` has written. */
export function certificateConfig(directory: string): string {
  return `
c.Proxy.tls_cert = "${join(directory, 'cert.pem')}"
c.Proxy.tls_key = "${join(directory, 'cert.key')}"
`
}

/** Writes a certificate by an authority (`ca.pem`, made by the first call) that users are to trust; gives its fingerprint. */
export function writeCertificate(directory: string): string {
  const path = (name: string) => join(directory, name)
  const make = (name: string, subject: string, ...more: string[]) => {
    const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
    const files = ['-keyout', path(`${name}.key`), '-out', path(`${name}.pem`)]
    const options = { stdio: 'pipe', timeout: 30_000 } as const
    execFileSync(
      'openssl',
      ['req', ...kind, '-days', '2', '-subj', subject, ...files, ...more],
      options,
    )
  }
  if (!existsSync(path('ca.pem'))) make('ca', '/CN=authority')
  const authority = ['-CA', path('ca.pem'), '-CAkey', path('ca.key')]
  const names = ['-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:dash.localhost']
  make(
    'cert',
    '/CN=gateway',
    ...authority,
    ...names,
    '-addext',
    'basicConstraints=critical,CA:FALSE',
  )
  // The gateway is another user where the tests run as root.
  chmodSync(path('cert.key'), 0o644)
  return new X509Certificate(readFileSync(path('cert.pem'))).fingerprint256
}
