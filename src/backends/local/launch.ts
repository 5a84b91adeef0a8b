import { type Cluster, daskEnvironment } from '../../core/index.ts'
import type { Account, Refused } from '../account.ts'
import type { Accounts } from './accounts.ts'
import { childEnvironment } from './child-environment.ts'
import { type ClusterDirectory, prepareDirectory } from './cluster-directory.ts'
import { firstProgram } from './first-program.ts'
import { resolveCommand } from './resolve-command.ts'

/** What the processes of one start have in common. */
export interface Launch {
  readonly account: Account
  readonly command: readonly string[]
  readonly environment: { readonly [name: string]: string }
  readonly notes: readonly string[]
}

export interface LaunchPlace {
  readonly accounts: Accounts
  readonly values: { readonly inherited_environment: readonly string[] }
  readonly apiUrl: string
  readonly directory: ClusterDirectory
}

/** Finds out what to run and as whom, and makes the cluster's directory. */
export async function prepareLaunch(
  { accounts, values, apiUrl, directory }: LaunchPlace,
  cluster: Cluster,
  role: 'scheduler' | 'worker',
  signal: AbortSignal,
): Promise<Launch | Refused> {
  const account = await accounts.of(cluster.username, signal)
  if ('refused' in account) return account
  const built = childEnvironment(values.inherited_environment, account, {
    ...daskEnvironment(cluster, role, apiUrl, directory.secrets),
    USER: cluster.username,
    LOGNAME: cluster.username,
  })
  if ('refused' in built) return built
  const { environment } = built
  await prepareDirectory(directory, cluster, account)
  const command = await resolveCommand(`${role}_cmd`, cluster.settings[`${role}_cmd`], {
    path: environment.PATH ?? '',
    home: account.home,
    directory: directory.work,
    firstProgram: (paths) => firstProgram(paths, account, signal),
  })
  if ('refused' in command) return command
  const notes = command.note === null ? [] : [command.note]
  return { account, command: command.argv, environment, notes }
}
