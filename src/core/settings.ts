import { GatewayError } from './errors.ts'
import type { SettingType } from './setting-types.ts'

/**
 * How a part declares its settings, beside the code that reads them. The reference page, `generate-config`,
 * `check-config`, the check of a configuration and its errors all come from these declarations.
 */
export interface Setting<T = unknown> {
  readonly type: SettingType<T>
  /** In the form a configuration file would use. undefined: the value is null when nothing sets it. */
  readonly default: unknown
  /** Shown instead of the default where it is computed ("this host's name"). */
  readonly defaultText: string | null
  /** One or two sentences: meaning, unit, what null means. */
  readonly help: string
}

export type SettingMap = { readonly [name: string]: Setting }

type ValueOf<S> = S extends Setting<infer T> ? T : never
export type ValuesOf<M extends SettingMap> = { readonly [K in keyof M]: ValueOf<M[K]> }

/**
 * A class of the configuration file (`c.Proxy.address`): classes inherit as `settings.md` lists them. A setting given on
 * a class applies to every class below it, and the most derived assignment wins. `V`: all values, inherited ones included.
 */
export interface SettingsClass<V = unknown> {
  readonly name: string
  readonly parent: SettingsClass | null
  /** Other names that configurations use for it. */
  readonly aliases: readonly string[]
  /** Where Python may import it from, the usual one first. Empty: not importable. */
  readonly dottedNames: readonly string[]
  readonly help: string
  /** Its own settings; inherited ones are found through `parent`. */
  readonly settings: SettingMap
  /** Defaults of inherited settings that this class changes. */
  readonly defaults: { readonly [setting: string]: unknown }
  /** Type only. */
  readonly values?: V
}

/** Declares a class of settings. */
export function settingsClass<M extends SettingMap, P = unknown>(declaration: {
  readonly name: string
  readonly parent?: SettingsClass<P>
  readonly aliases?: readonly string[]
  readonly dottedNames?: readonly string[]
  readonly help: string
  readonly settings: M
  readonly defaults?: { readonly [setting: string]: unknown }
}): SettingsClass<P & ValuesOf<M>> {
  return { parent: null, aliases: [], dottedNames: [], defaults: {}, ...declaration }
}

/** Declares one setting. Without a default its value is null, so its type must allow null. */
export function setting<T>(
  type: SettingType<T>,
  help: string,
  options: { readonly default?: unknown; readonly defaultText?: string } = {},
): Setting<T> {
  return { type, help, default: options.default, defaultText: options.defaultText ?? null }
}

/** A value as some source gave it, and where ("/etc/…/dask_gateway_config.py", "command line"). */
export interface Assigned {
  readonly value: unknown
  readonly source: string
}

/** Class name → setting name → value. Names are known and aliases replaced (the `config` part sees to it). */
export type Assignments = ReadonlyMap<string, ReadonlyMap<string, Assigned>>

/** The class and those it inherits from, the most derived first. */
export function lineage(settingsClass: SettingsClass): readonly SettingsClass[] {
  const classes: SettingsClass[] = []
  for (let at: SettingsClass | null = settingsClass; at !== null; at = at.parent) classes.push(at)
  return classes
}

/** All settings of a class, inherited ones included, with the default that holds for this class. */
export function allSettings(settingsClass: SettingsClass): ReadonlyMap<string, Setting> {
  const settings = new Map<string, Setting>()
  for (const each of lineage(settingsClass).toReversed()) {
    for (const [name, declared] of Object.entries(each.settings)) settings.set(name, declared)
    for (const [name, value] of Object.entries(each.defaults)) {
      const inherited = settings.get(name)
      if (inherited !== undefined) settings.set(name, { ...inherited, default: value })
    }
  }
  return settings
}

/**
 * The checked values of a class. Throws 'configuration' naming source, class, setting and value when one
 * is wrong. `overrides` (cluster options) win over everything.
 */
export function resolveSettings<V>(
  settingsClass: SettingsClass<V>,
  assignments: Assignments,
  overrides: ReadonlyMap<string, Assigned> = new Map(),
): V {
  const classes = lineage(settingsClass)
  const values: Record<string, unknown> = {}
  for (const [name, declared] of allSettings(settingsClass)) {
    const assigned =
      overrides.get(name) ??
      classes
        .map((each) => assignments.get(each.name)?.get(name))
        .find((found) => found !== undefined)
    values[name] =
      assigned === undefined
        ? declared.default === undefined
          ? null
          : parseSetting(settingsClass.name, name, declared, {
              value: declared.default,
              source: 'default',
            })
        : parseSetting(settingsClass.name, name, declared, assigned)
  }
  return values as V
}

/** One value, checked and in its inner form. */
export function parseSetting<T>(
  className: string,
  name: string,
  declared: Setting<T>,
  assigned: Assigned,
): T {
  const result = declared.type.schema.safeParse(assigned.value)
  if (result.success) return result.data
  const why = result.error.issues.map((issue) => issue.message).join('; ')
  throw new GatewayError(
    'configuration',
    `${assigned.source}: ${className}.${name} = ${shown(name, assigned.value)}: ${why}`,
  )
}

/** Whether the value of this setting is a secret, which no message, log or listing may show. */
export function isSecretSetting(name: string): boolean {
  return /password|token|secret|encrypt_keys/i.test(name)
}

function shown(name: string, value: unknown): string {
  if (isSecretSetting(name)) return '(secret)'
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 200 ? `${text.slice(0, 200)}…` : text
}
