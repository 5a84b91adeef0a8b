import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { alice, given, load, loadText, root } from './support.ts'

// The install guides that users follow, where they are beside the repository.
const guides = join(root, '../shared/seeds')
const there = existsSync(guides)

test('the guides are there where they must be', () => {
  assert.ok(there || process.env.CI !== 'true', `${guides} is missing`)
})

for (const guide of there ? readdirSync(guides).sort() : []) {
  const snippets = pythonBlocks(readFileSync(join(guides, guide), 'utf8'))
  test(`${guide} has the snippets that are expected`, () => {
    assert.ok(snippets.length >= 7, `${snippets.length} snippets`)
  })
  for (const { line, text } of snippets)
    test(`${guide}, line ${line}: the snippet loads word for word`, async (t) => {
      const configuration = await loadText(t, text)
      const assigned = text.match(/^c\.\w+\.\w+/gm) ?? []
      assert.ok(assigned.length > 0, 'a snippet assigns something')
      const found = [...configuration.assignments.values()].reduce((n, each) => n + each.size, 0)
      assert.equal(found, new Set(assigned).size)
    })
  test(`${guide}: all snippets together load`, async (t) => {
    await loadText(t, snippets.map(({ text }) => text).join('\n'))
  })
}

test('the timeouts of the guide for job queues take effect, under the names that it gives them', async (t) => {
  const configuration = await loadText(
    t,
    'c.DaskGateway.backend_class = "dask_gateway_server.backends.pbs.PBSBackend"\n' +
      'c.PBSClusterBackend.cluster_start_timeout = 600\nc.JobQueueClusterBackend.worker_start_timeout = 500\n',
  )
  assert.equal(configuration.backendClass.name, 'PBSBackend')
  const values = configuration.get(configuration.backendClass) as { [setting: string]: unknown }
  assert.equal(values.cluster_start_timeout, 600)
  assert.equal(values.worker_start_timeout, 500)
  assert.match(configuration.notes.join('\n'), /PBSClusterBackend is taken as PBSBackend/)
})

for (const example of readdirSync(join(root, 'examples')).sort())
  test(`examples/${example} loads, and its options answer`, async (t) => {
    const configuration = await load(t, join(root, 'examples', example))
    const fields = await configuration.clusterOptions.fieldsFor(alice)
    const defaults = Object.fromEntries(fields.map((field) => [field.field, field.default]))
    const overrides = await configuration.clusterOptions.settingsFor(alice, defaults)
    const name = configuration.backendClass.name.replace('UnsafeLocal', 'Local')
    const own = (await import('../../src/config/index.ts')).settingsClasses.find(
      (each) => each.name === name.replace('Backend', 'ClusterConfig'),
    )
    assert.ok(own)
    const { settings, warnings } = configuration.clusterSettings(own)(overrides)
    assert.deepEqual(warnings, [])
    assert.ok(settings.worker_memory > 0)
  })

test("the file that the old server's generate-config writes loads with its lines uncommented", async (t) => {
  const configuration = await load(t, join(import.meta.dirname, 'fixtures/old-generated-config.py'))
  assert.equal(configuration.backendClass.name, 'UnsafeLocalBackend')
  assert.equal(given(configuration, 'Authenticator', 'cache_max_age'), 300)
  assert.equal(given(configuration, 'Backend', 'cluster_config_class'), undefined)
  assert.equal(given(configuration, 'DaskGateway', 'address'), undefined)
})

/** The Python blocks of a guide, but for those that show a session with the client. */
function pythonBlocks(guide: string): readonly { readonly line: number; readonly text: string }[] {
  const lines = guide.split('\n')
  const blocks: { line: number; text: string }[] = []
  for (const [index, line] of lines.entries()) {
    if (line.trim() !== '.. code-block:: python') continue
    const after = lines.slice(index + 1)
    const end = after.findIndex((each) => /^\S/.test(each))
    const body = after.slice(0, end < 0 ? undefined : end).map((each) => each.replace(/^ {4}/, ''))
    const text = body.join('\n')
    if (!text.trimStart().startsWith('>>>')) blocks.push({ line: index + 1, text })
  }
  return blocks
}
