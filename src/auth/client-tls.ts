import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import { GatewayError, messageOf } from '../core/index.ts'
import type { ClientTls } from './outside-client.ts'

/** Reads what is shown to another server, and whom it is believed by. Throws 'configuration', naming the settings of the class. */
export async function readClientTls(
  className: string,
  paths: {
    readonly tls_key?: string | null
    readonly tls_cert?: string | null
    readonly tls_ca: string | null
  },
): Promise<ClientTls> {
  const read = async (name: 'key' | 'cert' | 'ca') => {
    const path = paths[`tls_${name}`] ?? null
    if (path === null) return {}
    try {
      return { [name]: await readFile(path) }
    } catch (error) {
      throw new GatewayError(
        'configuration',
        `${className}.tls_${name}: ${path} cannot be read: ${messageOf(error)}`,
      )
    }
  }
  const tls: ClientTls = { ...(await read('key')), ...(await read('cert')), ...(await read('ca')) }
  try {
    createSecureContext(tls)
    if (tls.ca !== undefined) new X509Certificate(tls.ca) // one that is none is passed over in silence
    return tls
  } catch (error) {
    throw new GatewayError(
      'configuration',
      `${className}: ${Object.keys(paths).join(', ')}: no PEM files that go together: ${messageOf(error)}`,
    )
  }
}
