import { GatewayError, type SettingsClass } from '../../core/index.ts'
import type { BackendDriver } from '../backend-driver.ts'
import { type Accounts, accountOfEachUser, oneAccount } from './accounts.ts'
import { createLocalBackend, type LocalValues } from './local-backend.ts'
import { findMarked } from './marked.ts'
import { rehearse } from './rehearse.ts'
import {
  inProcessBackendSettings,
  localBackendSettings,
  localClusterConfigSettings,
  unsafeLocalBackendSettings,
} from './settings.ts'

type UnsafeLocalValues = NonNullable<(typeof unsafeLocalBackendSettings)['values']>

export const local = localDriver(localBackendSettings, true, () => accountOfEachUser)

export const unsafeLocal = localDriver(unsafeLocalBackendSettings, false, ({ user }) =>
  oneAccount(user),
)

export const inProcess: BackendDriver<UnsafeLocalValues> = {
  ...unsafeLocal,
  settings: inProcessBackendSettings,
}

function localDriver<V extends LocalValues>(
  settings: SettingsClass<V>,
  runsAsUser: boolean,
  accountsOf: (values: V) => Accounts,
): BackendDriver<V> {
  return {
    settings,
    clusterSettings: localClusterConfigSettings,
    runsOn: 'this-host',
    runsAsUser,
    create: (values, context) => createLocalBackend(values, accountsOf(values), context),
    check: (values, signal) => accountsOf(values).check(signal),
    async rehearse(values, role, clusterSettings, username, signal) {
      const accounts = accountsOf(values)
      await accounts.check(signal)
      // Of one account for all, it does not matter whose cluster it is.
      const account = await accounts.of(username ?? '', signal)
      if ('refused' in account) throw new GatewayError('configuration', account.refused)
      return rehearse(role, clusterSettings, account, values.inherited_environment, signal)
    },
    findMarked: ({ clusters_directory }, stateDirectory) =>
      findMarked({ configured: clusters_directory, stateDirectory }),
  }
}
