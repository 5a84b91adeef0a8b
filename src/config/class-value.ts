import { GatewayError, lineage, type SettingsClass } from '../core/index.ts'
import { nearestName } from '../util/index.ts'
import type { RawAssignment } from './layer.ts'
import { knownByName } from './server-settings.ts'

// Which classes a setting may name: those below this one. Itself, as a value, means the default.
const baseOf: { readonly [setting: string]: string } = {
  backend_class: 'Backend',
  authenticator_class: 'Authenticator',
  cluster_config_class: 'ClusterConfig',
}
// These only hold what others have in common.
const abstract: ReadonlySet<string> = new Set(['DBBackendBase', 'JobQueueBackend'])

/**
 * The usual dotted name of the part that a class setting names (by dotted name, name or alias); '' when it names the
 * common base, which means the default. Throws 'configuration' when there is no such part here.
 */
export function classValue(
  raw: RawAssignment,
  name: string,
  classes: readonly SettingsClass[],
): string {
  if (name === '') return ''
  const where = `${raw.source}: ${raw.className}.${raw.setting} = ${JSON.stringify(name)}`
  const last = name.slice(name.lastIndexOf('.') + 1)
  if (knownByName.has(last))
    throw new GatewayError('configuration', `${where}: ${last} is not built yet`)
  const found = classes.find((each) =>
    [each.name, ...each.aliases, ...each.dottedNames].includes(name),
  )
  if (found === undefined) throw unknownPart(where, name, raw.setting, classes)
  const base = baseOf[raw.setting]
  if (base === undefined) return found.dottedNames[0] ?? found.name
  if (found.name === base) return ''
  if (!lineage(found).some((each) => each.name === base))
    throw new GatewayError('configuration', `${where}: ${found.name} is no ${base}`)
  if (abstract.has(found.name))
    throw new GatewayError(
      'configuration',
      `${where}: ${found.name} is what several backends have in common; name one of them`,
    )
  return found.dottedNames[0] ?? found.name
}

function unknownPart(
  where: string,
  name: string,
  setting: string,
  classes: readonly SettingsClass[],
): GatewayError {
  const base = baseOf[setting]
  const fitting = classes.filter(
    (each) => each.name !== base && lineage(each).some((above) => above.name === base),
  )
  const near = nearestName(
    name.slice(name.lastIndexOf('.') + 1),
    fitting.map((each) => each.name),
  )
  const meant = fitting.find((each) => each.name === near)
  const hint = meant === undefined ? '' : ` Did you mean ${meant.dottedNames[0] ?? meant.name}?`
  return new GatewayError(
    'configuration',
    `${where}: there is no such part in this gateway.${hint} Parts of your own are written in TypeScript, beside those in src/auth and src/backends; CONTRIBUTING.md says how.`,
  )
}
