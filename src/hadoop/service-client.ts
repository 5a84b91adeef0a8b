import type { Configuration } from './configuration/configuration.ts'
import { isSecure, protectionsOf } from './configuration/services.ts'
import { HadoopError } from './errors.ts'
import type { Login } from './rpc/authenticate.ts'
import type { RpcClientOptions } from './rpc/client.ts'

export interface HadoopClientOptions {
  readonly configuration: Configuration
  readonly login: Login
  /** For a call with all that it takes; 30 s when absent. */
  readonly limitMs?: number
  /** For one server; 10 s when absent. */
  readonly serverLimitMs?: number
  /** After which a connection that nobody uses is closed; 10 s when absent. */
  readonly idleMs?: number
}

type Shared = Pick<
  RpcClientOptions,
  'login' | 'protections' | 'limitMs' | 'serverLimitMs' | 'idleMs'
>

/** What clients of all services take from the configuration. Throws HadoopError `configuration`. */
export function rpcOptions({ configuration, ...options }: HadoopClientOptions): Shared {
  const { login, limitMs, serverLimitMs, idleMs } = options
  if (login.kind === 'simple' && isSecure(configuration))
    throw new HadoopError(
      'configuration',
      `this Hadoop uses Kerberos (hadoop.security.authentication in ${configuration.folder}), and there is no keytab to log in with`,
    )
  return {
    login,
    protections: protectionsOf(configuration, 'hadoop.rpc.protection'),
    ...(limitMs === undefined ? {} : { limitMs }),
    ...(serverLimitMs === undefined ? {} : { serverLimitMs }),
    ...(idleMs === undefined ? {} : { idleMs }),
  }
}
