import type { BackendDriver } from '../backend-driver.ts'
import { checkYarn } from './check-yarn.ts'
import { findMarkedApplications } from './marked-applications.ts'
import { type YarnValues, yarnBackendSettings, yarnClusterConfigSettings } from './settings.ts'
import { YarnBackend } from './yarn-backend.ts'

export const yarn: BackendDriver<YarnValues> = {
  settings: yarnBackendSettings,
  clusterSettings: yarnClusterConfigSettings,
  runsOn: 'nodes',
  runsAsUser: true,
  create: (values, context) => new YarnBackend(values, context),
  checkHops: checkYarn,
  findMarked: findMarkedApplications,
}
