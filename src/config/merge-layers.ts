import {
  type Assigned,
  type Assignments,
  allSettings,
  GatewayError,
  lineage,
  messageOf,
  parseSetting,
  type Setting,
  type SettingsClass,
} from '../core/index.ts'
import { nearestName } from '../util/index.ts'
import { classValue } from './class-value.ts'
import { Changes, changed, type Layer, type RawAssignment, TypedText } from './layer.ts'
import { parseLiteral } from './python-literal.ts'
import { knownByName, withoutEffect } from './server-settings.ts'

export interface Merged {
  readonly assignments: Assignments
  readonly notes: readonly string[]
}

/**
 * Checks what the layers assign, later ones winning: names, aliases, types, also of classes that are not in use. Throws
 * 'configuration' with one line for each thing that is wrong.
 */
export function mergeLayers(layers: readonly Layer[], classes: readonly SettingsClass[]): Merged {
  const assignments = new Map<string, Map<string, Assigned>>()
  const notes: string[] = []
  const wrong: { readonly raw: RawAssignment; readonly message: string }[] = []
  for (const layer of layers) {
    notes.push(...layer.notes)
    for (const raw of basesFirst(layer.assignments, classes)) {
      if (knownByName.has(raw.className)) continue
      try {
        const settingsClass = classNamed(raw, classes, notes)
        const declared = settingNamed(raw, settingsClass)
        const value = understood(raw, settingsClass, declared, assignments, classes)
        if (value === notSet) {
          assignments.get(settingsClass.name)?.delete(raw.setting)
          continue
        }
        const section = assignments.get(settingsClass.name) ?? new Map<string, Assigned>()
        assignments.set(settingsClass.name, section)
        section.set(raw.setting, { value, source: raw.source })
        if (withoutEffect.has(raw.setting))
          notes.push(`${raw.source}: ${settingsClass.name}.${raw.setting} has no effect here`)
      } catch (error) {
        if (!(error instanceof GatewayError)) throw error
        wrong.push({ raw, message: messageOf(error) })
      }
    }
  }
  if (wrong.length > 0) {
    const order = layers.flatMap((layer) => layer.assignments)
    wrong.sort((a, b) => order.indexOf(a.raw) - order.indexOf(b.raw))
    throw new GatewayError('configuration', wrong.map(({ message }) => message).join('\n'))
  }
  return { assignments, notes }
}

/** `''`, or a base class as a value: the setting is as if it were not there. */
const notSet = Symbol('not set')

/** Changes on a derived class build on what the same file gives its base, so bases come first. */
function basesFirst(
  assignments: readonly RawAssignment[],
  classes: readonly SettingsClass[],
): readonly RawAssignment[] {
  const depth = (name: string) => {
    const found = findClass(name, classes)
    return found === null ? 0 : lineage(found).length
  }
  return assignments.toSorted((a, b) => depth(a.className) - depth(b.className))
}

/** The class of that name, alias or dotted name. */
export function findClass(name: string, classes: readonly SettingsClass[]): SettingsClass | null {
  return (
    classes.find((each) => [each.name, ...each.aliases, ...each.dottedNames].includes(name)) ?? null
  )
}

function classNamed(
  raw: RawAssignment,
  classes: readonly SettingsClass[],
  notes: string[],
): SettingsClass {
  const found = findClass(raw.className, classes)
  if (found === null) {
    const names = classes.flatMap((each) => [each.name, ...each.aliases])
    throw new GatewayError(
      'configuration',
      `${raw.source}: ${raw.className}.${raw.setting}: there is no class ${raw.className}${hint(nearestName(raw.className, names))}`,
    )
  }
  if (found.name !== raw.className)
    notes.push(`${raw.source}: ${raw.className} is taken as ${found.name}`)
  return found
}

function settingNamed(raw: RawAssignment, settingsClass: SettingsClass): Setting {
  const settings = allSettings(settingsClass)
  const found = settings.get(raw.setting)
  if (found !== undefined) return found
  throw new GatewayError(
    'configuration',
    `${raw.source}: ${settingsClass.name} has no setting ${raw.setting}${hint(nearestName(raw.setting, settings.keys()))}`,
  )
}

const hint = (near: string | null) => (near === null ? '' : `; did you mean ${near}?`)

/** The value in the form a configuration file would use, checked. */
function understood(
  raw: RawAssignment,
  settingsClass: SettingsClass,
  declared: Setting,
  assignments: Assignments,
  classes: readonly SettingsClass[],
): unknown {
  const accepts = (value: unknown) => declared.type.schema.safeParse(value).success
  let value = raw.value
  if (value instanceof TypedText) {
    const literal = parseLiteral(value.text)
    value =
      literal !== null && (accepts(literal.value) || !accepts(value.text))
        ? literal.value
        : value.text
  }
  if (value instanceof Changes)
    value = withChanges(raw, value, settingsClass, declared, assignments)
  if (value === '' && !accepts('')) return notSet
  if (declared.type.word.startsWith('class')) {
    if (value === null) return notSet
    if (typeof value === 'string')
      value = classValue({ ...raw, className: settingsClass.name }, value, classes)
    if (value === '') return notSet
  }
  parseSetting(settingsClass.name, raw.setting, declared, { value, source: raw.source })
  return value
}

function withChanges(
  raw: RawAssignment,
  changes: Changes,
  settingsClass: SettingsClass,
  declared: Setting,
  assignments: Assignments,
): unknown {
  const earlier = lineage(settingsClass)
    .map((each) => assignments.get(each.name)?.get(raw.setting))
    .find((each) => each !== undefined)
  const value = changed(earlier === undefined ? declared.default : earlier.value, changes)
  if (value !== null) return value
  throw new GatewayError(
    'configuration',
    `${raw.source}: ${settingsClass.name}.${raw.setting} cannot be changed so: it is no ${Object.keys(changes.entries).length > 0 ? 'dict' : 'list'}`,
  )
}
