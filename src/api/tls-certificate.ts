import { readFile, stat } from 'node:fs/promises'
import { createSecureContext, type SecureContext } from 'node:tls'
import { GatewayError, type Logger, messageOf } from '../core/index.ts'

export interface TlsFiles {
  readonly certPath: string
  readonly keyPath: string
}

/** The gateway's certificate, as it is in its files now. */
export interface TlsCertificate {
  /** For the next connection. Looks for renewed files now and then, without waiting for them. */
  context(): SecureContext
  /** Reads the files anew; those that do not fit leave the old ones in use, with a warning. */
  reload(): Promise<void>
}

const lookEveryMs = 60_000

/** Throws 'configuration' when the files cannot be read or do not fit. */
export async function openTlsCertificate(
  files: TlsFiles,
  logger: Logger,
  now: () => number = Date.now,
): Promise<TlsCertificate> {
  let context = await read(files)
  let version = await versionOf(files)
  let lookedAt = now()

  async function reload(): Promise<void> {
    try {
      const found = await versionOf(files)
      context = await read(files)
      version = found
      logger.info(`Read the certificate ${files.certPath}`)
    } catch (error) {
      logger.warn(`The old certificate stays in use: ${messageOf(error)}`)
    }
  }

  async function look(): Promise<void> {
    const found = await versionOf(files).catch(() => version)
    if (found !== version) await reload()
  }

  return {
    context() {
      if (now() - lookedAt >= lookEveryMs) {
        lookedAt = now()
        // `look` catches what it meets.
        void look()
      }
      return context
    },
    reload,
  }
}

async function read({ certPath, keyPath }: TlsFiles): Promise<SecureContext> {
  try {
    const [cert, key] = await Promise.all([readFile(certPath), readFile(keyPath)])
    return createSecureContext({ cert, key, minVersion: 'TLSv1.2' })
  } catch (cause) {
    throw new GatewayError(
      'configuration',
      `Cannot use Proxy.tls_cert = ${certPath} with Proxy.tls_key = ${keyPath}: ${messageOf(cause)}`,
      { cause },
    )
  }
}

async function versionOf({ certPath, keyPath }: TlsFiles): Promise<string> {
  const found = await Promise.all([stat(certPath), stat(keyPath)])
  return found.map((each) => `${each.mtimeMs} ${each.ino} ${each.size}`).join(' ')
}
