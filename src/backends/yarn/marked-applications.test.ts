import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { resolveSettings } from '../../core/index.ts'
import { findMarkedApplications, markedOf } from './marked-applications.ts'
import { yarnBackendSettings } from './settings.ts'

test("applications of any gateway's, and of the old server's", () => {
  const [instanceId, attemptId, clusterName] = ['a'.repeat(32), 'b'.repeat(16), 'c'.repeat(32)]
  const tags = [`dg-${instanceId}`, `dg-${instanceId}-${attemptId}`]
  const report = (id: number, name: string, more: object = {}) => ({
    ...{
      applicationId: { id, clusterTimestamp: 1 },
      applicationType: 'dask' as string,
      user: 'alice',
    },
    ...{ name, tags, ...more },
  })
  const seen = markedOf([
    report(7, `dask-gateway ${clusterName}`),
    report(8, 'dask-gateway doctor', { tags: tags.toReversed(), user: 'bob' }),
    report(9, 'dask-gateway', { applicationType: 'skein', tags: [] }),
    report(10, 'thesis', { applicationType: 'skein', tags: ['dg-night'] }),
    report(11, `dask-gateway ${clusterName}`, { tags: [] }),
  ])
  const common = { owner: null, instanceId, attemptId }
  assert.deepEqual(seen, [
    { what: 'application application_1_0007 of alice', ...common, clusterName },
    { what: 'application application_1_0008 of bob', ...common, clusterName: null },
    {
      ...{ what: 'application application_1_0009 of alice', owner: null, clusterName: null },
      ...{ instanceId: null, attemptId: null },
    },
  ])
})

test('a YARN that hides what belongs to others is named', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'hadoop-'))
  t.after(() => rm(folder, { recursive: true }))
  const property =
    '<property><name>yarn.webapp.filter-entity-list-by-user</name><value>true</value></property>'
  await writeFile(join(folder, 'yarn-site.xml'), `<configuration>${property}</configuration>`)
  const given = new Map([['hadoop_conf_dir', { value: folder, source: 'the test' }]])
  const values = resolveSettings(yarnBackendSettings, new Map([['YarnBackend', given]]))
  await assert.rejects(
    findMarkedApplications(values),
    /YARN hides the applications of others .* \(yarn\.webapp\.filter-entity-list-by-user in yarn-site\.xml\)/,
  )
})
