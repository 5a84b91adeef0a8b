import type { Setting, SettingsClass } from '../core/index.ts'
import { writeLiteral } from './python-literal.ts'

/** The reference page of all settings, in Markdown. */
export function settingsReference(classes: readonly SettingsClass[]): string {
  const head = [
    '# Settings',
    '',
    'This page is printed from the declarations in the source (`npm run docs`).',
    '',
    'A setting is written `c.Class.setting = value` in a Python file, `{"Class": {"setting": value}}` in a JSON file,',
    "`c.Class.setting = value` in a TypeScript module's default function, and `--Class.setting=value` on the command line, which",
    'wins. A setting given on a class applies to every class that inherits from it, and the most derived one wins.',
  ]
  return `${[...head, ...classes.flatMap(section)].join('\n')}\n`
}

function section(settingsClass: SettingsClass): readonly string[] {
  const { name, parent, aliases, dottedNames, help, settings, defaults } = settingsClass
  const facts = [
    parent === null ? '' : `Inherits from [${parent.name}](#${parent.name.toLowerCase()}).`,
    dottedNames[0] === undefined ? '' : `In Python: \`${dottedNames[0]}\`.`,
    aliases.length === 0 ? '' : `Also written ${aliases.map((each) => `\`${each}\``).join(', ')}.`,
  ].filter((fact) => fact !== '')
  const rows = Object.entries(settings).map(([each, declared]) => row(each, declared))
  const changes = Object.entries(defaults).map(
    ([each, value]) => `The default of \`${each}\` is \`${writeLiteral(value)}\` here.`,
  )
  return [
    '',
    `## ${name}`,
    '',
    [help, ...facts].join(' '),
    ...changes.flatMap((change) => ['', change]),
    ...(rows.length === 0
      ? []
      : ['', '| setting | type | default | meaning |', '| --- | --- | --- | --- |', ...rows]),
  ]
}

function row(name: string, declared: Setting): string {
  const value = declared.defaultText ?? `\`${writeLiteral(declared.default)}\``
  return `| ${[`\`${name}\``, declared.type.word, value, declared.help].map(cell).join(' | ')} |`
}

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ')
