import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { sampleCluster } from '../../test/contracts/store.ts'
import { openFileStore, temporaryDirectory } from '../../test/contracts/store-files.ts'

const childFile = join(import.meta.dirname, '../../test/contracts/store-child.ts')

interface Child {
  readonly process: ChildProcess
  /** Its next line, parsed. */
  next(): Promise<unknown>
  end(signal?: NodeJS.Signals): Promise<void>
}

function startChild(context: TestContext, command: string, path: string, shell?: string): Child {
  const node = [process.execPath, childFile, command, path]
  // Others than root get a user namespace of their own, in which they may mount.
  const unshare = ['unshare', process.geteuid?.() === 0 ? '-m' : '-rm']
  const argv = shell === undefined ? node : [...unshare, 'sh', '-ec', shell, 'sh', ...node]
  const [file = '', ...rest] = argv
  const child = spawn(file, rest, { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  const end = async (signal?: NodeJS.Signals) => {
    if (signal === undefined) child.stdin.end()
    else child.kill(signal)
    await ended
  }
  context.after(() => end('SIGKILL'))
  return {
    process: child,
    end,
    async next() {
      const { value, done } = await lines.next()
      assert.ok(!done, `"${command}" ended without an answer`)
      return JSON.parse(value)
    },
  }
}

test('a second gateway is told who holds the database; after kill -9 it opens at once', async (context) => {
  const path = join(temporaryDirectory(context), 'x.sqlite')
  const holder = startChild(context, 'hold', path)
  assert.equal(await holder.next(), 'open')
  const message = new RegExp(
    `x\\.sqlite is in use by the gateway with process id ${holder.process.pid} on host ${hostname()}, since 2\\d{3}-\\d\\d-`,
  )
  await assert.rejects(openFileStore(path), { code: 'configuration', message })
  await holder.end('SIGKILL')
  const start = performance.now()
  await (await openFileStore(path)).close()
  assert.ok(performance.now() - start < 2000)
})

test('a second one in the same process is refused too, and harms nothing', async (context) => {
  const path = join(temporaryDirectory(context), 'x.sqlite')
  const store = await openFileStore(path)
  await assert.rejects(openFileStore(path), new RegExp(`process id ${process.pid} `))
  // The refusal has not dropped the first one's lock.
  const child = startChild(context, 'hold', path)
  assert.match(String(await child.next()), new RegExp(`process id ${process.pid} `))
  await store.close()
})

test('of several that start at once, exactly one opens', async (context) => {
  const path = join(temporaryDirectory(context), 'x.sqlite')
  const results = await Promise.all(
    Array.from({ length: 3 }, () => startChild(context, 'hold', path).next()),
  )
  assert.equal(results.filter((each) => each === 'open').length, 1)
  assert.equal(results.filter((each) => /in use by/.test(String(each))).length, 2)
})

test('kill -9 in the middle of commits: each is there whole or not at all, none that was told is lost', async (context) => {
  const path = join(temporaryDirectory(context), 'x.sqlite')
  let told = 0
  for (let round = 0; round < 3; round++) {
    const child = startChild(context, 'commit', path)
    for (let n = 0; n < 20 + 7 * round; n++) told = Number(await child.next())
    await child.end('SIGKILL')
    const store = await openFileStore(path)
    const { clusters, workers, lastEventId } = await store.load()
    assert.ok(clusters.length >= told)
    assert.equal(workers.length, 20 * clusters.length)
    assert.equal(lastEventId, clusters.length)
    await store.commit(
      clusters.map((cluster) => ({ remove: 'cluster', clusterName: cluster.name })),
    )
    await store.close()
  }
})

test('a database that another program locks is waited for, then told; then it works again', async (context) => {
  const path = join(temporaryDirectory(context), 'x.sqlite')
  const store = await openFileStore(path)
  const commit = () => store.commit([{ put: 'cluster', cluster: sampleCluster(1) }])

  const first = startChild(context, 'lock', path)
  await first.next()
  const start = performance.now()
  const failed = assert.rejects(commit(), {
    code: 'unavailable',
    message: /x\.sqlite cannot be written: another program holds it locked/,
  })
  await new Promise(setImmediate)
  assert.ok(performance.now() - start < 2000, 'the event loop goes on meanwhile')
  await failed
  assert.ok(performance.now() - start > 4000)

  const waiting = commit()
  await first.end()
  await waiting
  assert.equal((await store.load()).clusters.length, 1)
  await store.close()
})

const ownFileSystem = 'mount -t tmpfs -o size=1m,mode=700 tmpfs "$(dirname "$4")"; exec "$@"'

test('a full disk: the commit fails whole and says so, and works when there is room', async (context) => {
  const path = join(temporaryDirectory(context), 'x.sqlite')
  const child = startChild(context, 'full-disk', path, ownFileSystem)
  const { written, error, probe, kept, keptAgain } = (await child.next()) as {
    written: number
    error: { code: string; message: string } | null
    probe: { code: string } | null
    kept: number
    keptAgain: number
  }
  assert.equal(error?.code, 'unavailable')
  assert.match(error?.message ?? '', /x\.sqlite cannot be written: .*full/)
  assert.equal(probe?.code, 'unavailable')
  assert.ok(written > 0)
  assert.equal(kept, 2 * written)
  assert.equal(keptAgain, kept + 1)
  await child.end()
})

test('a read-only disk is told at the start', async (context) => {
  const path = join(temporaryDirectory(context), 'x.sqlite')
  const child = startChild(context, 'read-only', path, ownFileSystem)
  const { again, fresh, left } = (await child.next()) as {
    again: { code: string; message: string } | null
    fresh: { code: string; message: string } | null
    left: boolean
  }
  assert.equal(again?.code, 'configuration')
  assert.match(again?.message ?? '', /x\.sqlite\.lock, cannot be written: .*read-only/)
  assert.equal(fresh?.code, 'configuration')
  assert.match(fresh?.message ?? '', /x\.sqlite\.fresh\.lock cannot be made: .*read-only/)
  assert.equal(left, false)
  await child.end()
})
