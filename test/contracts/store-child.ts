// A process of its own for the tests of the store: node store-child.ts COMMAND PATH. Answers in lines on standard output.
import { execFileSync } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type Logger, messageOf } from '../../src/core/index.ts'
import { openStore } from '../../src/store/index.ts'
import { sampleCluster, sampleEvent, sampleWorker } from './store.ts'

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, with: () => silent }
const open = (path: string) =>
  openStore({
    url: `sqlite:///${path}`,
    encryptKeys: null,
    workingDirectory: '/',
    logger: silent,
    debug: false,
  })

const say = (line: unknown) => process.stdout.write(`${JSON.stringify(line)}\n`)
const failure = async (work: Promise<unknown>) =>
  await work.then(
    () => null,
    (error) => ({ code: error.code, message: messageOf(error) }),
  )
/** Keeps the process until it is killed or its parent is gone. */
const stay = () => process.stdin.resume().once('end', () => process.exit())

const commands: Record<string, (path: string) => Promise<void>> = {
  /** Is the gateway of a database. */
  async hold(path) {
    const opened = open(path)
    const error = await failure(opened)
    say(error === null ? 'open' : error.message)
    // Named here, so that the store is not collected, which would give up the lock.
    if (error === null) stay().once('end', () => opened)
  },
  /** Commits a cluster with workers and an event, again and again; says each number when it is done. */
  async commit(path) {
    const store = await open(path)
    stay()
    for (let n = 1; ; n++) {
      await store.commit([
        { put: 'cluster', cluster: sampleCluster(n) },
        ...Array.from(
          { length: 20 },
          (_, i) => ({ put: 'worker', worker: sampleWorker(n * 20 + i, n) }) as const,
        ),
        { put: 'event', event: sampleEvent(n, n) },
      ])
      say(n)
      await new Promise(setImmediate)
    }
  },
  /** Another program that keeps the write lock. */
  async lock(path) {
    const database = new DatabaseSync(path)
    database.exec('begin exclusive')
    say('locked')
    process.stdin.resume().once('end', () => database.close())
  },
  /** In a file system of 1 MiB of its own: writes until it is full, then makes room. */
  async 'full-disk'(path) {
    const ballast = join(dirname(path), 'ballast')
    const store = await open(path)
    await store.commit([{ put: 'cluster', cluster: sampleCluster(1) }])
    writeFileSync(ballast, Buffer.alloc(600_000))
    let written = 0
    let error: unknown = null
    while (error === null && written < 100) {
      const half = (id: number) =>
        ({ put: 'event', event: sampleEvent(id, 1, 'x'.repeat(30_000)) }) as const
      error = await failure(store.commit([half(2 * written + 1), half(2 * written + 2)]))
      if (error === null) written++
    }
    // What did not fit a large commit may fit some small ones.
    let probe: unknown = null
    for (let n = 0; probe === null && n < 100; n++) probe = await failure(store.probe())
    const kept = (await store.events(sampleCluster(1).name, 0, 1000)).length
    rmSync(ballast)
    await store.probe()
    await store.commit([{ put: 'event', event: sampleEvent(1000, 1) }])
    await store.close()
    const again = await open(path)
    const keptAgain = (await again.events(sampleCluster(1).name, 0, 1000)).length
    await again.close()
    say({ written, error, probe, kept, keptAgain })
  },
  /** In a file system of its own: opened, closed, made read-only, opened again; and a new one there. */
  async 'read-only'(path) {
    await (await open(path)).close()
    execFileSync('mount', ['-o', 'remount,bind,ro', dirname(path)])
    const fresh = `${path}.fresh`
    say({
      again: await failure(open(path)),
      fresh: await failure(open(fresh)),
      left: existsSync(fresh),
    })
  },
}

const [name = '', path = ''] = process.argv.slice(2)
await commands[name]?.(path)
