import {
  backendSettings,
  clusterConfigSettings,
  dbBackendSettings,
  type SettingsClass,
  settingsClass,
} from '../core/index.ts'
import type { BackendDriver } from './backend-driver.ts'
import { jobQueueBackendSettings, jobQueueClusterConfigSettings } from './job-queue/settings.ts'
import { inProcess, local, unsafeLocal } from './local/index.ts'
import { notBuilt } from './not-built.ts'
import { pbs } from './pbs/index.ts'
import { slurm } from './slurm/index.ts'
import { yarn } from './yarn/index.ts'

export type { BackendDriver, HopsToCheck, Marked, Rehearsal } from './backend-driver.ts'
export type { LocalizedFile } from './yarn/settings.ts'

// Known by name only: whatever is set for it is accepted.
const kubeBackendSettings = settingsClass({
  name: 'KubeBackend',
  parent: backendSettings,
  dottedNames: [
    'dask_gateway_server.backends.kubernetes.KubeBackend',
    'dask_gateway_server.backends.kubernetes.backend.KubeBackend',
  ],
  help: 'Runs clusters on Kubernetes. Not built yet.',
  settings: {},
})

/** All backends, by the name of their class: a new backend is one line here. */
export const backends: { readonly [className: string]: BackendDriver } = {
  UnsafeLocalBackend: unsafeLocal,
  InProcessBackend: inProcess,
  LocalBackend: local,
  SlurmBackend: slurm,
  PBSBackend: pbs,
  JobQueueBackend: notBuilt(jobQueueBackendSettings, jobQueueClusterConfigSettings),
  YarnBackend: yarn,
  KubeBackend: notBuilt(kubeBackendSettings, clusterConfigSettings),
}

const drivers = Object.values(backends)

/** Every class of settings of backends and clusters, those that they inherit from included, each once. */
export const backendSettingsClasses: readonly SettingsClass[] = [
  ...new Set<SettingsClass>([
    backendSettings,
    dbBackendSettings,
    clusterConfigSettings,
    ...drivers
      .filter((driver) => driver.settings !== kubeBackendSettings)
      .flatMap((driver) => [driver.settings, driver.clusterSettings]),
  ]),
]

/** The driver that `DaskGateway.backend_class` names, by class name, alias or dotted name; null: none has that name. */
export function findBackend(name: string): BackendDriver | null {
  return (
    drivers.find(({ settings }) =>
      [settings.name, ...settings.aliases, ...settings.dottedNames].includes(name),
    ) ?? null
  )
}
