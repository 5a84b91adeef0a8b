import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { settingsClasses } from '../../src/config/index.ts'
import { allSettings, type User } from '../../src/core/index.ts'
import { alice, load, root, written } from './support.ts'

// The administrators' documents: what they show as a configuration loads, and what they name is there.
const documents = ['README.md', ...globSync('docs/*.md', { cwd: root })].sort()
const endings: { readonly [language: string]: string } = {
  python: 'py',
  json: 'json',
  typescript: 'ts',
}

test('the documents have the snippets that are expected', () => {
  const all = documents.flatMap((name) => configurations(read(name)))
  for (const language of Object.keys(endings))
    assert.ok(all.filter((each) => each.language === language).length >= 2, language)
  assert.ok(all.length >= 15, String(all.length))
})

for (const name of documents)
  for (const { language, line, text } of configurations(read(name)))
    test(`${name}, line ${line}: the ${language} configuration loads, and its options answer`, async (t) => {
      const file = written(t, text, `configuration.${endings[language]}`)
      const configuration = await load(t, file)
      assert.ok(configuration.assignments.size > 0, 'it sets something')
      assert.deepEqual(configuration.notes, [])
      const admin: User = { ...alice, admin: true }
      for (const user of [alice, admin]) {
        const fields = await configuration.clusterOptions.fieldsFor(user)
        const defaults = Object.fromEntries(fields.map((field) => [field.field, field.default]))
        await configuration.clusterOptions.settingsFor(user, defaults)
      }
    })

test('every setting that the documents name is there, and every link leads somewhere', () => {
  const named = new Set(
    settingsClasses.flatMap((each) =>
      [...allSettings(each).keys()].map((setting) => `${each.name}.${setting}`),
    ),
  )
  const classes = new Set(settingsClasses.map((each) => each.name))
  for (const name of documents) {
    const text = read(name)
    for (const [, className = '', setting = ''] of text.matchAll(/\b([A-Z]\w+)\.([a-z]\w+)\b/g))
      if (classes.has(className))
        assert.ok(named.has(`${className}.${setting}`), `${name}: ${className}.${setting}`)
    const prose = text.replaceAll(/^```.*?^```$/gms, '')
    for (const [, link = ''] of prose.matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g))
      if (!link.includes('://'))
        assert.ok(existsSync(join(root, dirname(name), link)), `${name}: ${link}`)
  }
})

function read(name: string): string {
  return readFileSync(join(root, name), 'utf8')
}

/** Blocks that begin as "```python configuration" does. */
function configurations(document: string) {
  const pattern = /^```(python|json|typescript) configuration\n([\s\S]*?)^```$/gm
  return [...document.matchAll(pattern)].map(({ index, 1: language = '', 2: text = '' }) => ({
    language,
    line: document.slice(0, index).split('\n').length,
    text,
  }))
}
