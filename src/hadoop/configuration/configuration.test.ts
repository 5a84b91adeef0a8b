import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { configurationOf, readConfiguration } from './configuration.ts'
import { readProperties } from './read-xml.ts'
import { nameNodes, protectionsOf, resourceManagers } from './services.ts'

const read = (xml: string) => readProperties(Buffer.from(xml), 'core-site.xml')
const of = (values: Record<string, string>, environment: NodeJS.ProcessEnv = {}) =>
  configurationOf(
    '/conf',
    Object.entries(values).map(([name, value]) => ({ name, value, isFinal: false })),
    environment,
  )

test('a file as distributions write it', () => {
  const properties = read(`<?xml version="1.0" encoding="UTF-8"?>
<?xml-stylesheet type="text/xsl" href="configuration.xsl"?>
<!-- <property><name>no</name><value>1</value></property> -->
<configuration>
  <property>
    <!-- why -->
    <name> fs.defaultFS </name>
    <value>hdfs://nn:8020</value>
    <description>The <b>default</b> &amp; only &#65;&#x42;</description>
    <final>true</final>
  </property>
  <property><name>a</name><value>&lt;x&gt; <![CDATA[<&>]]></value><source>programmatically</source></property>
  <property name="b" value="1 &quot;2&quot;" final='true'/>
  <property><name>empty</name><value/></property>
  <property><name>nothing</name></property>
</configuration>
`)
  assert.deepEqual(properties, [
    { name: 'fs.defaultFS', value: 'hdfs://nn:8020', isFinal: true },
    { name: 'a', value: '<x> <&>', isFinal: false },
    { name: 'b', value: '1 "2"', isFinal: true },
    { name: 'empty', value: '', isFinal: false },
  ])
})

test('what is not taken, and what is no configuration', () => {
  const inside = (xml: string) => `<configuration>${xml}</configuration>`
  const refused: readonly (readonly [string, RegExp])[] = [
    ['<!DOCTYPE c [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><configuration/>', /document type/],
    ['<!DOCTYPE c SYSTEM "file:///etc/passwd"><configuration/>', /document type/],
    [inside('<xi:include href="other.xml"/>'), /includes another file \(XInclude\)/],
    [inside('<include href="other.xml"/>'), /XInclude/],
    [inside('<property><name>a</name><value>&b;</value></property>'), /&b; is not known/],
    [inside('<property><value>a</value></property>'), /has no name/],
    ['<a/>', /no <configuration>/],
    ['', /ends before/],
    ['<configuration>', /ends before/],
    ['<configuration></property>', /ends nothing/],
    ['<configuration/><configuration/>', /no <configuration>/],
    ['<configuration/>x', /text outside/],
    ['<configuration><a b=c></a></configuration>', /no tag at character 15/],
    ['<!-- ', /--> is missing/],
    [inside('<a>'.repeat(50)), /nested too deeply/],
    [' '.repeat((4 << 20) + 1), /more than 4 MiB/],
  ]
  for (const [xml, words] of refused) assert.throws(() => read(xml), words, xml.slice(0, 80))
})

test('a large or hostile file takes no time', () => {
  const started = performance.now()
  for (const part of ['<', '<a ', '<property><name>', '&amp;', '<!--', '<a b="', '<![CDATA['])
    assert.throws(() => read(`<configuration>${part.repeat(200_000)}`))
  assert.ok(performance.now() - started < 10_000)
})

test('later files count, but not against what is final', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'conf-'))
  t.after(() => rm(folder, { recursive: true }))
  await assert.rejects(readConfiguration(folder), /has none of core-site.xml/)
  const file = (name: string, ...properties: readonly string[]) =>
    writeFile(
      join(folder, name),
      `<configuration>${properties.map((each) => `<property>${each}</property>`).join('')}</configuration>`,
    )
  await file(
    'core-site.xml',
    '<name>a</name><value>core</value>',
    '<name>b</name><value>core</value><final>true</final>',
  )
  await file(
    'yarn-site.xml',
    '<name>a</name><value>yarn</value>',
    '<name>b</name><value>yarn</value>',
    '<name>fs.default.name</name><value>hdfs://old</value>',
  )
  const configuration = await readConfiguration(folder)
  assert.deepEqual(['a', 'b', 'c'].map(configuration.get), ['yarn', 'core', undefined])
  assert.equal(configuration.get('fs.defaultFS'), 'hdfs://old')
  assert.equal(configuration.get('hadoop.security.authentication'), 'simple')
})

test('variables', () => {
  const dollar = (text: string) => text.replaceAll('%', '$')
  const written = {
    host: 'h%{digit}',
    digit: '1',
    address: ' %{host}:%{env.PORT} ',
    other: '%{env.NONE:-none} %{env.NONE-none} %{env.EMPTY:-e} [%{env.EMPTY-e}]',
    unknown: '%{nobody}/%{host}',
    self: '%{self}x',
    a: '%{b}%{b}',
    b: '%{a}%{a}',
    user: '%{user.name}',
  }
  const values = Object.entries(written).map(([name, value]) => [name, dollar(value)])
  const configuration = of(Object.fromEntries(values), { PORT: '8032', EMPTY: '', USER: 'dask' })
  assert.equal(configuration.get('address'), 'h1:8032')
  assert.equal(configuration.get('other'), 'none none e []')
  assert.equal(configuration.get('unknown'), dollar('%{nobody}/%{host}'))
  assert.equal(configuration.get('user'), 'dask')
  for (const name of ['self', 'a']) assert.throws(() => configuration.get(name), /refers to itself/)
})

test('ResourceManagers, one and several', () => {
  const places = (values: Record<string, string>) =>
    resourceManagers(of(values)).map(({ host, port, principal }) => [host, port, principal])
  assert.deepEqual(places({ 'yarn.resourcemanager.hostname': 'rm' }), [['rm', 8032, undefined]])
  assert.deepEqual(
    places({
      'yarn.resourcemanager.ha.enabled': 'true',
      'yarn.resourcemanager.ha.rm-ids': 'rm1, rm2',
      'yarn.resourcemanager.hostname.rm1': 'one',
      'yarn.resourcemanager.address.rm2': 'two:9032',
      'yarn.resourcemanager.principal': 'yarn/_HOST@R',
    }),
    [
      ['one', 8032, 'yarn/_HOST@R'],
      ['two', 9032, 'yarn/_HOST@R'],
    ],
  )
  assert.throws(() => places({ 'yarn.resourcemanager.address': 'a b' }), /is no host:port/)
  const several = of({
    'yarn.resourcemanager.ha.enabled': 'true',
    'yarn.resourcemanager.ha.rm-ids': 'rm1,rm2',
    'yarn.resourcemanager.hostname.rm1': 'one',
    'yarn.resourcemanager.hostname.rm2': 'two',
    'yarn.resourcemanager.admin.address.rm2': 'two:9033',
    // Of all: an address of one's own, by its host, goes before it.
    'yarn.resourcemanager.address': 'other:1',
  })
  const named = (to: 'clients' | 'applicationMasters' | 'administrators') =>
    resourceManagers(several, to).map(({ id, host, port }) => `${id} ${host}:${port}`)
  assert.deepEqual(named('clients'), ['rm1 one:8032', 'rm2 two:8032'])
  assert.deepEqual(named('applicationMasters'), ['rm1 one:8030', 'rm2 two:8030'])
  assert.deepEqual(named('administrators'), ['rm1 one:8033', 'rm2 two:9033'])
})

test('NameNodes, by host and by the name of a service', () => {
  const one = nameNodes(of({ 'fs.defaultFS': 'hdfs://nn:9000' }))
  assert.deepEqual([one.servers[0]?.host, one.servers[0]?.port], ['nn', 9000])
  const configuration = of({
    'fs.defaultFS': 'hdfs://ns/',
    'dfs.nameservices': 'ns,single',
    'dfs.ha.namenodes.ns': 'a,b',
    'dfs.namenode.rpc-address.ns.a': 'nn1:8020',
    'dfs.namenode.rpc-address.ns.b': 'nn2:8020',
    'dfs.namenode.rpc-address.single': 'nn3:8020',
  })
  assert.equal(nameNodes(configuration).isHighlyAvailable, true)
  assert.deepEqual(
    nameNodes(configuration).servers.map(({ host }) => host),
    ['nn1', 'nn2'],
  )
  assert.deepEqual(
    nameNodes(configuration, 'single').servers.map(({ host }) => host),
    ['nn3'],
  )
  assert.deepEqual(
    nameNodes(configuration, 'other:1').servers.map(({ host }) => host),
    ['other'],
  )
  assert.throws(
    () => nameNodes(of({ 'fs.defaultFS': 's3a://bucket' })),
    /is s3a:\/\/bucket, which is no HDFS/,
  )
})

test('protections', () => {
  const property = 'hadoop.rpc.protection'
  assert.deepEqual(protectionsOf(of({ [property]: 'privacy, Integrity' }), property), [
    'privacy',
    'integrity',
  ])
  assert.deepEqual(protectionsOf(of({}), property), ['authentication'])
  assert.throws(() => protectionsOf(of({ [property]: 'none' }), property), /says none; it must be/)
})
