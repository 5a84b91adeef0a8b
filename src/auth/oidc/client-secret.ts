import { readFile, stat } from 'node:fs/promises'
import { GatewayError, type Logger, messageOf } from '../../core/index.ts'
import type { OidcSettings } from './oidc-settings.ts'

/** null: the client has none. Throws 'configuration'. */
export async function readClientSecret(
  { client_secret_file: path }: OidcSettings,
  logger: Logger,
): Promise<string | null> {
  if (path === null) return null
  const wrong = (why: string) =>
    new GatewayError('configuration', `OIDCAuthenticator.client_secret_file: ${path} ${why}`)
  let text: string
  try {
    text = (await readFile(path, 'utf8')).trim()
    if (((await stat(path)).mode & 0o007) !== 0)
      logger.warn(`Everybody on this machine may read the secret of the client: chmod 400 ${path}`)
  } catch (error) {
    throw wrong(`cannot be read: ${messageOf(error)}`)
  }
  if (!/^[\x21-\x7e]{1,4096}$/.test(text)) throw wrong('is not one word of ASCII')
  return text
}
