import { isSecretSetting } from '../core/index.ts'
import type { Configuration } from './configuration.ts'
import { DeclaredOptions } from './layer.ts'
import { writeLiteral } from './python-literal.ts'

/** What is set, and by which source: one line each, secrets masked. */
export function showConfig(configuration: Pick<Configuration, 'assignments' | 'sources'>): string {
  const files = configuration.sources.map((source) => `# read: ${source}`)
  const lines: string[] = []
  for (const [className, settings] of configuration.assignments)
    for (const [name, { value, source }] of settings)
      lines.push(`c.${className}.${name} = ${shown(name, value)}  # ${source}`)
  return `${[...(files.length === 0 ? ['# no file was read'] : files), ...lines.toSorted()].join('\n')}\n`
}

/** The same as JSON: class, setting, value. */
export function showConfigJson(configuration: Pick<Configuration, 'assignments'>): string {
  const classes = [...configuration.assignments].map(([className, settings]) => {
    const values = [...settings].map(([name, { value }]) => [
      name,
      value instanceof DeclaredOptions ? value.summary : (masked(name, value) ?? null),
    ])
    return [className, Object.fromEntries(values)]
  })
  return `${JSON.stringify(Object.fromEntries(classes), null, 2)}\n`
}

function shown(name: string, value: unknown): string {
  if (value instanceof DeclaredOptions) return value.summary
  return writeLiteral(masked(name, value))
}

const hidden = '********'

/** Secrets hide in settings of that name, in variables of an environment, and in URLs. */
function masked(name: string, value: unknown): unknown {
  if (value === null || value === undefined || value === '') return value
  if (isSecretSetting(name) || (/(^|_)(key|pass|credential)s?$/i.test(name) && !/^tls_/.test(name)))
    return hidden
  if (typeof value === 'string') return value.replace(/(\/\/[^/:@\s]*):[^/@\s]+@/g, `$1:${hidden}@`)
  if (Array.isArray(value)) return value.map((each) => masked('', each))
  if (typeof value === 'object')
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, masked(key, each)]))
  return value
}
