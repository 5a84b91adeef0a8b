import type { Setting, SettingsClass } from '../core/index.ts'
import { writeLiteral } from './python-literal.ts'

/** A Python configuration with every setting of the classes, commented out, with its type, default and help. */
export function generateConfig(classes: readonly SettingsClass[]): string {
  const head = [
    '# Configuration of dask-gateway-server. Every setting stands here with its default; take away the "# " before',
    '# those that you change. A setting given on a class applies to every class that inherits from it.',
    '',
    'c = get_config()  # noqa',
  ]
  return `${[...head, ...classes.flatMap(section)].join('\n')}\n`
}

function section(settingsClass: SettingsClass): readonly string[] {
  const { name, parent, help, settings, defaults } = settingsClass
  const inherits = parent === null ? '' : ` (inherits the settings of ${parent.name})`
  const own = Object.entries(settings)
  if (own.length + Object.keys(defaults).length === 0) return []
  return [
    '',
    `# ${'-'.repeat(100)}`,
    ...comment(`${name}${inherits}: ${help}`),
    `# ${'-'.repeat(100)}`,
    ...own.flatMap(([each, declared]) => lines(name, each, declared)),
    ...Object.entries(defaults).map(
      ([each, value]) => `\n# c.${name}.${each} = ${writeLiteral(value)}`,
    ),
  ]
}

function lines(className: string, name: string, declared: Setting): readonly string[] {
  const text = declared.defaultText === null ? [] : comment(`Default: ${declared.defaultText}`)
  return [
    '',
    ...comment(declared.help),
    ...comment(`Type: ${declared.type.word}`),
    ...text,
    `# c.${className}.${name} = ${writeLiteral(declared.default)}`,
  ]
}

/** Lines of "## …", at most 110 columns, so that what may be uncommented is told from what may not. */
function comment(text: string): readonly string[] {
  const lines: string[] = []
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + word.length < 108)
      lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines.map((line) => `## ${line}`)
}
