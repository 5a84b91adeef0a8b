import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageFolder } from '../util/index.ts'

/** The package's version, as `package.json` has it. */
export function packageVersion(): string {
  const text = readFileSync(join(packageFolder, 'package.json'), 'utf8')
  return (JSON.parse(text) as { readonly version: string }).version
}
