import type { BackendDriver } from '../backend-driver.ts'
import { notBuilt } from '../not-built.ts'
import { accountNamed, ownAccount } from './account.ts'
import { createLocalBackend, type LocalValues } from './local-backend.ts'
import { findMarked } from './marked.ts'
import { rehearse } from './rehearse.ts'
import {
  inProcessBackendSettings,
  localBackendSettings,
  localClusterConfigSettings,
  unsafeLocalBackendSettings,
} from './settings.ts'

export const unsafeLocal: BackendDriver<LocalValues> = {
  settings: unsafeLocalBackendSettings,
  clusterSettings: localClusterConfigSettings,
  runsOn: 'this-host',
  create: createLocalBackend,
  async check({ user }, signal) {
    if (user === null) ownAccount()
    else await accountNamed(user, signal)
  },
  async rehearse({ user, inherited_environment }, role, settings, _username, signal) {
    const account = user === null ? ownAccount() : await accountNamed(user, signal)
    return rehearse(role, settings, account, inherited_environment)
  },
  findMarked: ({ clusters_directory }, stateDirectory) =>
    findMarked({ configured: clusters_directory, stateDirectory }),
}

export const inProcess: BackendDriver<LocalValues> = {
  ...unsafeLocal,
  settings: inProcessBackendSettings,
}

export const local: BackendDriver = notBuilt(localBackendSettings, localClusterConfigSettings)
