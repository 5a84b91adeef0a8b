import { apiSettingsClasses } from '../api/index.ts'
import { authSettingsClasses } from '../auth/index.ts'
import { backendSettingsClasses } from '../backends/index.ts'
import { quotasSettings, type SettingsClass } from '../core/index.ts'
import { proxySettings } from '../proxy/index.ts'
import { applicationSettings, gatewaySettings } from './server-settings.ts'

/** Every class that a configuration may set: the sum of what the parts declare. */
export const settingsClasses: readonly SettingsClass[] = [
  gatewaySettings,
  applicationSettings,
  proxySettings,
  ...apiSettingsClasses,
  ...authSettingsClasses,
  ...backendSettingsClasses,
  quotasSettings,
]
