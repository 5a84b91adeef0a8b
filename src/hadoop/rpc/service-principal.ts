import { lookup, lookupService } from 'node:dns/promises'
import { HadoopError } from '../errors.ts'

/** Whom a server must be: its principal as configured, such as yarn/_HOST@EXAMPLE.ORG, or a pattern with `*`. */
export interface ExpectedServer {
  /** Its name in the configuration, where it is one of several. */
  readonly id?: string
  readonly host: string
  readonly port: number
  /** The property that says it, for messages; such as yarn.resourcemanager.principal. */
  readonly property: string
  /** `_HOST` stands for the server's host name. Undefined: it is not configured, and nobody is right. */
  readonly principal: string | undefined
  /** What `<property>.pattern` says, in place of it. */
  readonly pattern?: string | undefined
}

/**
 * Compares the principal that a server names itself with the configured one, so that nobody else with a key of the realm can pose as
 * it. Gives the principal to log in to.
 */
export async function serverPrincipal(
  offered: { readonly service: string; readonly host: string },
  expected: ExpectedServer,
): Promise<{ readonly service: string; readonly host: string } | { readonly principal: string }> {
  const { property, principal, pattern } = expected
  const name = `${offered.service}/${offered.host}`
  if (pattern !== undefined && pattern !== '') {
    const [names = '', realm] = pattern.split('@')
    if (matches(name, names))
      return realm === undefined || realm.includes('*')
        ? offered
        : { principal: `${name}@${realm}` }
    throw impostor(name, pattern, `${property}.pattern`)
  }
  if (principal === undefined || principal === '')
    throw new HadoopError(
      'configuration',
      `${property} is not set, so the server at ${expected.host}:${expected.port} cannot be told from another; set it in Hadoop's configuration`,
    )
  const [names = '', realm] = principal.split('@')
  const accepted = names.endsWith('/_HOST')
    ? [names.replace(/_HOST$/, expected.host.toLowerCase())]
    : [names]
  if (names.endsWith('/_HOST') && !accepted.includes(name)) {
    const canonical = await canonicalName(expected.host)
    if (canonical !== null) accepted.push(names.replace(/_HOST$/, canonical))
  }
  if (!accepted.includes(name)) throw impostor(name, accepted.join(' or '), property)
  return realm === undefined ? offered : { principal: `${name}@${realm}` }
}

/** As Java's InetAddress.getCanonicalHostName: the name of the address, as Hadoop itself reads `_HOST`. */
async function canonicalName(host: string): Promise<string | null> {
  try {
    const { address } = await lookup(host)
    return (await lookupService(address, 0)).hostname.toLowerCase()
  } catch {
    return null
  }
}

function matches(name: string, pattern: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('[^@]*')}$`).test(name)
}

function impostor(name: string, expected: string, property: string): HadoopError {
  return new HadoopError(
    'security',
    `the server says it is ${name}, but ${property} wants ${expected}; it was not trusted`,
  )
}
