import {
  type Assignments,
  allSettings,
  type ClusterOptions,
  GatewayError,
  lineage,
  quotasSettings,
  type ResolveClusterSettings,
  resolveSettings,
  type SettingsClass,
} from '../core/index.ts'
import { settingsClasses } from './classes.ts'
import { chosenClusterConfig, resolveClusterSettings } from './cluster-settings.ts'
import { DeclaredOptions } from './layer.ts'
import { findClass, mergeLayers } from './merge-layers.ts'
import { type PythonPool, poolFor } from './python-pool.ts'
import { type ConfigurationRequest, readLayers } from './read-layers.ts'
import { gatewaySettings } from './server-settings.ts'

/** A configuration that has been read and checked. Whoever loads one closes it: Python processes may belong to it. */
export interface Configuration {
  /** The checked values of a class. After a reload it gives the new ones; parts keep those that they were made with. */
  get<V>(settingsClass: SettingsClass<V>): V
  readonly assignments: Assignments
  /** The files that were read. */
  readonly sources: readonly string[]
  /** What the administrator should know: names that are taken as others, settings without effect. */
  readonly notes: readonly string[]
  /** What `DaskGateway.backend_class` and `DaskGateway.authenticator_class` name. */
  readonly backendClass: SettingsClass
  readonly authenticatorClass: SettingsClass
  /** Of the backend in use; they follow a reload. */
  readonly clusterOptions: ClusterOptions
  /** `clusterConfigClass`: the backend's own. What it gives follows a reload. */
  clusterSettings(clusterConfigClass: SettingsClass): ResolveClusterSettings
  /**
   * Reads everything again, and takes its place only when all of it is right; else throws and changes nothing. Options,
   * handlers and settings of clusters hold for the next cluster; gives the names of the other settings that differ,
   * which parts take up at their next start.
   */
  reload(): Promise<readonly string[]>
  close(): Promise<void>
}

interface Loaded {
  readonly assignments: Assignments
  readonly sources: readonly string[]
  readonly notes: readonly string[]
  readonly backendClass: SettingsClass
  readonly authenticatorClass: SettingsClass
  readonly clusterConfigClass: SettingsClass | null
  readonly options: ClusterOptions
  readonly retire: () => Promise<void>
  readonly close: () => Promise<void>
}

/** See `loadConfiguration`. `pool`: what the first reading asks Python by; a reload makes its own. */
export async function createConfiguration(
  request: ConfigurationRequest,
  pool: PythonPool,
  classes: readonly SettingsClass[] = settingsClasses,
): Promise<Configuration> {
  let turn = 0
  let current = await load(request, pool, classes, turn)
  const former: Loaded[] = []
  return {
    get: (settingsClass) => resolveSettings(settingsClass, current.assignments),
    get assignments() {
      return current.assignments
    },
    get sources() {
      return current.sources
    },
    get notes() {
      return current.notes
    },
    get backendClass() {
      return current.backendClass
    },
    get authenticatorClass() {
      return current.authenticatorClass
    },
    clusterOptions: {
      fieldsFor: (user) => current.options.fieldsFor(user),
      settingsFor: (user, values) => current.options.settingsFor(user, values),
    },
    clusterSettings(own) {
      chosenClusterConfig(own, current.clusterConfigClass) // a mismatch is told at start
      return (overrides) =>
        resolveClusterSettings(
          chosenClusterConfig(own, current.clusterConfigClass),
          current.assignments,
          overrides,
        )
    },
    async reload() {
      turn += 1
      const next = await load(request, poolFor(request), classes, turn)
      former.push(current)
      const { retire } = current
      current = next
      await retire() // what it is answering is still answered
      return differing(former.at(-1)?.assignments ?? new Map(), next.assignments, classes)
    },
    async close() {
      await Promise.all([current, ...former].map((each) => each.close()))
    },
  }
}

async function load(
  request: ConfigurationRequest,
  pool: PythonPool,
  classes: readonly SettingsClass[],
  turn: number,
): Promise<Loaded> {
  let handlerTimeoutMs = 10_000
  try {
    const { layers, sources } = await readLayers(request, pool, () => handlerTimeoutMs, turn)
    const { assignments, notes } = mergeLayers(layers, classes)
    for (const each of classes) resolveSettings(each, assignments) // defaults and all
    const gateway = resolveSettings(gatewaySettings, assignments)
    handlerTimeoutMs = Math.min(gateway.handler_timeout * 1000, longestHandlerMs)
    const backendClass = partNamed(gateway.backend_class, classes)
    const options = declaredFor(backendClass, 'cluster_options', assignments)
    const clusterConfig = declaredFor(backendClass, 'cluster_config_class', assignments)
    if (options !== undefined && options !== null && !(options instanceof DeclaredOptions))
      throw new GatewayError(
        'configuration',
        `${backendClass.name}.cluster_options must be Options(…), or a callable that takes a user and gives Options`,
      )
    // Without options nothing will be asked of Python any more; nobody need wait for its end.
    const closed = options instanceof DeclaredOptions ? null : pool.close()
    return {
      assignments,
      sources,
      notes,
      backendClass,
      authenticatorClass: partNamed(gateway.authenticator_class, classes),
      clusterConfigClass:
        typeof clusterConfig === 'string' ? partNamed(clusterConfig, classes) : null,
      options: options ?? noOptions,
      retire: () => closed ?? pool.retire(),
      close: () => closed ?? pool.close(),
    }
  } catch (error) {
    await pool.close()
    throw error
  }
}

/** "Class.setting" for each that has another value, but for those that are taken anew: what clusters are given, and quotas. */
function differing(
  before: Assignments,
  after: Assignments,
  classes: readonly SettingsClass[],
): readonly string[] {
  const text = (assignments: Assignments, className: string, name: string) =>
    JSON.stringify(assignments.get(className)?.get(name)?.value)
  return classes
    .filter(
      (each) =>
        each !== quotasSettings && !lineage(each).some(({ name }) => name === 'ClusterConfig'),
    )
    .flatMap((each) =>
      [...allSettings(each).keys()]
        .filter((name) => name !== 'cluster_options' && name !== 'handler_timeout')
        .filter((name) => text(before, each.name, name) !== text(after, each.name, name))
        .map((name) => `${each.name}.${name}`),
    )
}

// An hour: longer than any client waits.
const longestHandlerMs = 3_600_000

// As the old server's Options() does: no fields, so no choices.
const noOptions: ClusterOptions = {
  fieldsFor: async () => [],
  settingsFor: async () => ({}),
}

/** `mergeLayers` has seen to it that the name is one of ours. */
function partNamed(name: string, classes: readonly SettingsClass[]): SettingsClass {
  const found = findClass(name, classes)
  if (found === null) throw new GatewayError('configuration', `There is no part named ${name}`)
  return found
}

/** What is assigned to a setting of the backend, the most derived class first. */
function declaredFor(backend: SettingsClass, setting: string, assignments: Assignments): unknown {
  return lineage(backend)
    .map((each) => assignments.get(each.name)?.get(setting))
    .find((each) => each !== undefined)?.value
}
