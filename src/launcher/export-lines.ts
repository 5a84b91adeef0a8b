import { patterns } from './protocol.ts'

/**
 * `export NAME='VALUE'` for each variable, as lines of a job's script: a value arrives as it is, whatever it holds, and
 * stands nowhere that another user can look. Throws a RangeError that names a variable which a shell cannot have.
 */
export function exportLines(environment: Readonly<Record<string, string>>): string {
  return Object.entries(environment)
    .map(([name, value]) => {
      if (!patterns.variable.test(name))
        throw new RangeError(`${JSON.stringify(name)} is not a name of a variable`)
      if (value.includes('\0'))
        throw new RangeError(`${name}: its value holds a NUL character, which no variable can`)
      // `shellQuoted` of util would do, but util brings more than the launcher may take time to load.
      return `export ${name}='${value.replaceAll("'", "'\\''")}'\n`
    })
    .join('')
}
