// Writes docs/settings.md, or with --check compares it.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { settingsClasses, settingsReference } from '../../src/config/index.ts'

const file = join(import.meta.dirname, '../../docs/settings.md')
const page = settingsReference(settingsClasses)
if (!process.argv.includes('--check')) writeFileSync(file, page)
else if (!existsSync(file) || readFileSync(file, 'utf8') !== page) {
  console.error('docs/settings.md is out of date; run: npm run docs')
  process.exit(1)
}
