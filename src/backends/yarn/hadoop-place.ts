import { userInfo } from 'node:os'
import { GatewayError, type Logger, messageOf } from '../../core/index.ts'
import {
  type Configuration,
  createFileSystemClient,
  createResourceManagerClient,
  type FileSystemClient,
  findConfigurationFolder,
  type HadoopClientOptions,
  HadoopError,
  type Login,
  type ResourceManagerClient,
  readConfiguration,
} from '../../hadoop/index.ts'
import { createInitiator, KerberosError } from '../../kerberos/index.ts'
import type { YarnValues } from './settings.ts'

/** A Hadoop, and how the gateway goes there. */
export interface HadoopPlace {
  readonly configuration: Configuration
  /** With which clients of it are made. */
  readonly options: HadoopClientOptions
  readonly manager: ResourceManagerClient
  /** As in hdfs://authority/…; the default one's when it has none. */
  fileSystem(authority: string | undefined): FileSystemClient
  close(): void
}

/** For those who only look. */
export const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, with: () => silent }

/** Finds the configuration and logs in, so that what is wrong is known at start. Throws 'configuration'. */
export async function openHadoop(values: YarnValues, logger: Logger): Promise<HadoopPlace> {
  const { hadoop_conf_dir: wanted } = values
  const setting =
    wanted === null ? undefined : { name: 'YarnBackend.hadoop_conf_dir', folder: wanted }
  const configuration = await asConfigured(async () => {
    const { folder, from } = await findConfigurationFolder({ setting })
    logger.info("Found Hadoop's configuration", { folder, from })
    return await readConfiguration(folder)
  })
  const login = loginOf(values)
  if (login.kind === 'kerberos') await logIn(login, logger)
  const options = { configuration, login }
  const files = new Map<string | undefined, FileSystemClient>()
  return await asConfigured(async () => {
    const manager = createResourceManagerClient(options)
    return {
      configuration,
      options,
      manager,
      fileSystem(authority) {
        const client = files.get(authority) ?? createFileSystemClient({ ...options, authority })
        files.set(authority, client)
        return client
      },
      close() {
        manager.close()
        for (const each of files.values()) each.close()
        if (login.kind === 'kerberos') login.initiator.close()
      },
    }
  })
}

function loginOf({ principal, keytab }: YarnValues): Login {
  if (principal !== null && keytab !== null)
    return { kind: 'kerberos', initiator: createInitiator({ keytab, principal }) }
  if (principal !== null || keytab !== null)
    throw new GatewayError(
      'configuration',
      'YarnBackend.principal and YarnBackend.keytab must be set both, or neither',
    )
  return { kind: 'simple', user: process.env.HADOOP_USER_NAME || userInfo().username }
}

async function logIn(
  { initiator }: Extract<Login, { kind: 'kerberos' }>,
  logger: Logger,
): Promise<void> {
  try {
    await initiator.login()
  } catch (error) {
    if (!(error instanceof KerberosError)) throw error
    if (error.reason !== 'unavailable')
      throw new GatewayError('configuration', `YarnBackend.keytab: ${error.message}`, {
        cause: error,
      })
    logger.warn('There is no ticket of Kerberos yet', { error: error.message })
  }
}

async function asConfigured<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (!(cause instanceof HadoopError)) throw cause
    throw new GatewayError('configuration', `YarnBackend: ${messageOf(cause)}`, { cause })
  }
}
