import { GatewayError, type SettingsClass } from '../core/index.ts'
import type { BackendDriver } from './backend-driver.ts'

/** A backend whose settings are known, so that existing configurations load, but which cannot run anything yet. */
export function notBuilt(settings: SettingsClass, clusterSettings: SettingsClass): BackendDriver {
  return {
    settings,
    clusterSettings,
    runsOn: 'nodes',
    create: () => {
      throw new GatewayError(
        'configuration',
        `DaskGateway.backend_class: ${settings.name} is not built yet; its settings are accepted, but it cannot run clusters. ` +
          'Use UnsafeLocalBackend, which runs clusters as processes on this machine.',
      )
    },
  }
}
