import {
  type Assigned,
  type Assignments,
  allSettings,
  type ClusterSettings,
  GatewayError,
  type Json,
  lineage,
  messageOf,
  resolveSettings,
  type SettingsClass,
} from '../core/index.ts'
import { nearestName } from '../util/index.ts'

/**
 * The settings of one cluster: what the configuration gives for the class, changed by what the option handler gave.
 * An unknown key is a warning and starts the cluster all the same; a wrong value throws 'invalid'.
 */
export function resolveClusterSettings(
  settingsClass: SettingsClass,
  assignments: Assignments,
  overrides: { readonly [key: string]: Json },
): { readonly settings: ClusterSettings; readonly warnings: readonly string[] } {
  const known = allSettings(settingsClass)
  const warnings: string[] = []
  const given = new Map<string, Assigned>()
  for (const [key, value] of Object.entries(overrides)) {
    const declared = known.get(key)
    if (declared === undefined) warnings.push(unknownKey(key, settingsClass, known.keys()))
    else if (value !== '' || declared.type.schema.safeParse('').success)
      given.set(key, { value, source: 'cluster options' })
  }
  try {
    // The classes of cluster settings all inherit from ClusterConfig, which declares the members of ClusterSettings.
    const settings = resolveSettings(settingsClass, assignments, given) as ClusterSettings
    return { settings, warnings }
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error
    throw new GatewayError('invalid', messageOf(error), { cause: error })
  }
}

function unknownKey(key: string, settingsClass: SettingsClass, known: Iterable<string>): string {
  const near = nearestName(key, known)
  const hint = near === null ? '' : `; did you mean ${JSON.stringify(near)}?`
  return `The cluster options set ${JSON.stringify(key)}, which ${settingsClass.name} does not have, so it was passed over${hint}`
}

/** The class of cluster settings: the backend's own, unless the configuration names another of the same family. */
export function chosenClusterConfig(
  own: SettingsClass,
  named: SettingsClass | null,
): SettingsClass {
  if (named === null) return own
  if (lineage(named).includes(own) || lineage(own).includes(named)) return named
  throw new GatewayError(
    'configuration',
    `Backend.cluster_config_class names ${named.name}, which this backend cannot use; it uses ${own.name}`,
  )
}
