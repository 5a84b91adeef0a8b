import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { firstProgram } from './first-program.ts'
import { resolveCommand } from './resolve-command.ts'

let root: string
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'resolve-command-'))
  for (const name of ['bin/dask', 'my env/bin/dask', 'bin/dask-worker']) {
    await mkdir(join(root, name, '..'), { recursive: true })
    await writeFile(join(root, name), '#!/bin/sh\n', { mode: 0o755 })
  }
  await writeFile(join(root, 'bin/text'), 'not a program')
})
after(() => rm(root, { recursive: true }))

const own = { ...userInfo(), name: '', shell: '/bin/sh', home: '/', own: true }
const place = () => ({
  ...{ path: `/nowhere:${root}/bin`, home: root, directory: root },
  firstProgram: (paths: readonly string[]) => firstProgram(paths, own, AbortSignal.timeout(10_000)),
})

test('a program is found on the PATH of the child', async () => {
  assert.deepEqual(await resolveCommand('worker_cmd', 'dask worker --x "1 2"', place()), {
    argv: [`${root}/bin/dask`, 'worker', '--x', '1 2'],
    note: null,
  })
})

test('a list is taken as it is, and a path may begin with the home', async () => {
  const list = await resolveCommand('worker_cmd', [`${root}/my env/bin/dask`, 'a b'], place())
  assert.deepEqual(list, { argv: [`${root}/my env/bin/dask`, 'a b'], note: null })
  const home = await resolveCommand('worker_cmd', '~/bin/dask worker', place())
  assert.deepEqual(home, { argv: [`${root}/bin/dask`, 'worker'], note: null })
})

test('dask stands in for the programs that Dask no longer installs', async () => {
  const onPath = await resolveCommand('scheduler_cmd', 'dask-scheduler', place())
  assert.deepEqual(onPath, {
    argv: [`${root}/bin/dask`, 'scheduler'],
    note: `scheduler_cmd: dask-scheduler does not exist; ${root}/bin/dask scheduler runs instead`,
  })
  const beside = await resolveCommand('worker_cmd', [`${root}/my env/bin/dask-worker`], place())
  assert.ok('argv' in beside)
  assert.deepEqual(beside.argv, [`${root}/my env/bin/dask`, 'worker'])
  const existing = await resolveCommand('worker_cmd', 'dask-worker', place())
  assert.deepEqual(existing, { argv: [`${root}/bin/dask-worker`], note: null })
})

test('what cannot be run is refused in words', async () => {
  const refusals = [
    ['nothing', `scheduler_cmd: 'nothing' was not found on PATH (/nowhere:${root}/bin)`],
    ['text', `scheduler_cmd: 'text' was not found on PATH (/nowhere:${root}/bin)`],
    ['./bin', "scheduler_cmd: './bin' is not a program that can be run"],
    [`dask 'x`, `scheduler_cmd: a quotation in dask 'x is not closed`],
    ['  ', `scheduler_cmd: '' was not found on PATH (/nowhere:${root}/bin)`],
  ] as const
  for (const [command, refused] of refusals)
    assert.deepEqual(await resolveCommand('scheduler_cmd', command, place()), { refused })
})
