import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

// deploy/, as systemd's own tools read it. test/e2e/guide-tree.test.ts runs gateway and proxy under the limits that it sets.

const root = join(import.meta.dirname, '../..')
const deploy = join(root, 'deploy')
const units = ['dask-gateway.service', 'dask-gateway-proxy.service'] as const
const dropIns = ['sudo.conf', 'run-as-users.conf'] as const
const installed = '/opt/dask-gateway/miniconda/bin/dask-gateway-server'

let folder: string
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'units-'))
})
after(() => rmSync(folder, { recursive: true, force: true }))

/** The units in a folder of their own, with programs that are there; null: without a drop-in. */
function unitFolder(dropIn: string | null): string {
  const path = mkdtempSync(join(folder, 'case-'))
  for (const unit of units) {
    const text = readFileSync(join(deploy, unit), 'utf8')
    assert.ok(text.includes(installed))
    writeFileSync(join(path, unit), text.replaceAll(installed, '/bin/true'))
  }
  if (dropIn === null) return path
  const place = join(path, `${units[0]}.d`)
  mkdirSync(place)
  copyFileSync(join(deploy, dropIn), join(place, dropIn))
  return path
}

function analyze(...words: string[]): string {
  const ran = spawnSync('systemd-analyze', words, { encoding: 'utf8', timeout: 60_000 })
  assert.equal(ran.status, 0, `${words.join(' ')}: ${ran.stdout}${ran.stderr}`)
  assert.equal(ran.stderr, '')
  return ran.stdout
}

for (const dropIn of [null, ...dropIns])
  test(`systemd finds no mistake in the units, ${dropIn ?? 'as they are'}`, () => {
    const path = unitFolder(dropIn)
    for (const unit of units) assert.equal(analyze('verify', '--man=no', join(path, unit)), '')
  })

test('they leave little open', () => {
  const path = unitFolder(null)
  // In tenths; above 40 systemd calls it "medium".
  for (const [unit, threshold] of [
    [units[0], 21],
    [units[1], 17],
  ] as const)
    analyze('security', '--offline=true', `--threshold=${threshold}`, join(path, unit))
})

test('clusters survive what ends the gateway', () => {
  const text = readFileSync(join(deploy, units[0]), 'utf8')
  for (const line of ['KillMode=process', 'OOMPolicy=continue', 'PrivateTmp=no'])
    assert.match(text, new RegExp(`^${line}$`, 'm'))
  assert.doesNotMatch(text, /^(MemoryDenyWriteExecute|RuntimeDirectory)=/m)
})

test('with sudo.conf nothing takes the rights of set-uid programs away', () => {
  const unit = join(unitFolder('sudo.conf'), units[0])
  const report = analyze('security', '--offline=true', '--json=short', unit)
  const fields = JSON.parse(report) as readonly { json_field: string; set: boolean | null }[]
  // systemd.exec(5): each of these implies NoNewPrivileges for a service with User=.
  const implying =
    /^(NoNewPrivileges|SystemCall|RestrictAddressFamilies|RestrictNamespaces|RestrictRealtime|RestrictSUIDSGID|PrivateDevices|ProtectKernel(Tunables|Modules|Logs)|ProtectClock|ProtectHostname|MemoryDenyWriteExecute|LockPersonality)/
  assert.ok(fields.some((each) => each.json_field === 'NoNewPrivileges'))
  assert.deepEqual(
    fields.filter((each) => implying.test(each.json_field) && each.set === true),
    [],
  )
})
