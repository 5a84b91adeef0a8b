import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, afterEach, before, describe, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import type {
  Backend,
  Cluster,
  Json,
  ObjectRef,
  Observation,
  Worker,
  WorkerOutcome,
} from '../../src/core/index.ts'

/** A backend and what the suite needs around it. */
export interface BackendUnderTest {
  /** Whose clusters run. */
  readonly username: string
  /** A directory that the clusters' processes and the test can both read and write. */
  readonly scratch: string
  /** What else is set for its clusters. */
  readonly settings?: { readonly [name: string]: Json }
  /** A started backend as a gateway makes one; a second one is what the next gateway makes, over the same state. */
  open(): Promise<Backend>
  /** The same, of another gateway with an instance id of its own. */
  openOther(): Promise<Backend>
  /** Starts the cluster's scheduler from a gateway that is killed before it can write down the answer, which is returned. */
  startFromGatewayThatDies(cluster: Cluster): Promise<Json>
  close(): Promise<void>
}

/** What differs where another system ends processes. */
export interface Stopping {
  /** Before what is ended is killed, in time to obey. */
  readonly signals: readonly ('SIGINT' | 'SIGTERM')[]
  /** Whether children that outlive their parent are found and ended. */
  readonly findsOrphans: boolean
}

const ownStopping: Stopping = { signals: ['SIGINT', 'SIGTERM'], findsOrphans: true }

const signal = AbortSignal.timeout(300_000)
const hex = (bytes: number) => randomBytes(bytes).toString('hex')
const attempt = () => ({ id: hex(8), createdAt: Date.now(), handle: null, runningSince: null })

/** A cluster as it is recorded before its start. `script` is what scheduler and workers run, by /bin/sh. */
export function testCluster(
  username: string,
  script: string,
  environment: { readonly [name: string]: string } = {},
): Cluster {
  const command = ['/bin/sh', '-c', script, 'sh']
  return {
    name: hex(16),
    username,
    groups: [],
    queued: null,
    options: {},
    settings: {
      ...{ scheduler_cmd: command, worker_cmd: command, environment, labels: {} },
      ...{ worker_memory: 2 ** 30, worker_cores: 1, worker_threads: null },
      ...{ scheduler_memory: 2 ** 30, scheduler_cores: 1, adaptive_period: 3, idle_timeout: 0 },
      ...{ cluster_max_lifetime: 0, client_timeout: 0, end_warning: 300 },
      ...{ cluster_max_memory: null, cluster_max_cores: null, cluster_max_workers: null },
      ...{ cluster_start_timeout: null, worker_start_timeout: null },
      ...{ worker_start_failure_limit: null },
    },
    ...{ status: 'created', target: 'running', count: 0, attempt: attempt() },
    ...{ token: hex(16), tlsCert: 'a certificate\n', tlsKey: 'a key\n', dashboardKey: hex(16) },
    addresses: {
      ...{ scheduler: 'tls://127.0.0.1:1', dashboard: null, api: 'http://127.0.0.1:2' },
    },
    ...{
      startTime: Date.now(),
      ...{ readyTime: null, endAge: null, adaptive: null },
      stopTime: null,
      reason: null,
      workerStartFailures: 0,
    },
  }
}

/** Waits for a condition; the error of the last look tells what was missing. */
export async function eventually<T>(look: () => Promise<T>, limitMs = 30_000): Promise<T> {
  const deadline = Date.now() + limitMs
  for (;;) {
    try {
      return await look()
    } catch (error) {
      if (Date.now() > deadline) throw error
      await setTimeout(20)
    }
  }
}

/** What every backend must do, whatever it starts processes with. */
export function backendContract(
  name: string,
  setup: () => Promise<BackendUnderTest>,
  stopping: Stopping = ownStopping,
): void {
  describe(`${name} is a backend:`, () => {
    let under: BackendUnderTest
    let backend: Backend
    const opened: Backend[] = []
    const begun: { cluster: Cluster; refs: ObjectRef[] }[] = []

    before(async () => {
      under = await setup()
    })
    const open = async () => {
      const each = await under.open()
      opened.push(each)
      return each
    }
    before(async () => {
      backend = await open()
    })
    afterEach(async () => {
      for (const { cluster, refs } of begun.splice(0)) {
        await backend.stopObjects(cluster, refs, signal)
        for (const ref of refs) if (ref.handle !== null) await gone(ref)
        await backend.cleanUp(cluster, signal)
      }
    })
    after(async () => {
      for (const each of opened) await each.stop()
      await under.close()
    })

    const path = (file: string) => join(under.scratch, file)
    const text = (file: string) => readFile(path(file), 'utf8')
    const cluster = (script: string, environment: { [name: string]: string } = {}) => {
      const made = testCluster(under.username, script, { SCRATCH: under.scratch, ...environment })
      return { ...made, settings: { ...made.settings, ...under.settings } }
    }
    const refOf = (cluster: Cluster, handle: Json | null, worker?: Pick<Worker, 'name'>) => ({
      clusterName: cluster.name,
      username: cluster.username,
      workerName: worker?.name ?? null,
      attemptId: cluster.attempt?.id ?? '',
      createdAt: cluster.startTime,
      handle,
    })
    const handleIn = (outcome: WorkerOutcome | undefined): Json => {
      assert.equal(outcome?.outcome, 'started', JSON.stringify(outcome))
      return outcome.handle
    }
    const started = async (cluster: Cluster): Promise<ObjectRef> => {
      const ref = refOf(cluster, handleIn(await backend.startScheduler(cluster, signal)))
      begun.push({ cluster, refs: [ref] })
      return ref
    }
    const seen = async (ref: ObjectRef, by = backend): Promise<Observation | undefined> =>
      (await by.observe([ref], signal)).get(ref.attemptId)
    const lives = async (ref: ObjectRef, by?: Backend) =>
      assert.match((await seen(ref, by))?.state ?? '', /^(pending|running)$/)
    const gone = (ref: ObjectRef, by?: Backend) =>
      eventually(async () => {
        const observation = await seen(ref, by)
        assert.equal(observation?.state, 'gone', JSON.stringify(observation))
        return observation
      })
    const alive = (pid: string) => {
      try {
        process.kill(Number(pid), 0)
        return true
      } catch {
        return false
      }
    }
    /** Waits until a file of the scratch directory has a whole line, and returns its text. */
    const written = (file: string) =>
      eventually(async () => {
        const found = await text(file)
        assert.ok(found.endsWith('\n'))
        return found.trimEnd()
      })

    test('a scheduler runs, and its end is told with its status', async () => {
      const go = hex(8)
      const ref = await started(
        cluster('until [ -e "$SCRATCH/$GO" ]; do sleep 0.05; done; exit 3', { GO: go }),
      )
      await eventually(async () => assert.equal((await seen(ref))?.state, 'running'))
      await writeFile(path(go), '')
      const end = await gone(ref)
      assert.equal(end.exitCode, 3)
      assert.match(end.reason, /status 3/)
    })

    test('a scheduler gets its arguments, its environment and its secrets', async () => {
      const out = hex(8)
      const script =
        'cd "$SCRATCH"; umask 022; { printf "%s " "$@"; echo; env; } > "$OUT.all"; ' +
        'cp "$DASK_GATEWAY_API_TOKEN" "$OUT.token"; chmod 644 "$OUT.token"; ' +
        'stat -c "%a %U" "$DASK_GATEWAY_API_TOKEN" "$DASK_DISTRIBUTED__COMM__TLS__SCHEDULER__KEY" > "$OUT.modes"; ' +
        'id -u > "$OUT.uid"; sleep 60'
      const made = cluster(script, { OUT: out, ODD: `it's "$HOME"\n\\n`, UID: '7' })
      await started(made)
      assert.notEqual(await written(`${out}.uid`), '0')
      const all = await text(`${out}.all`)
      assert.match(all, /^--protocol tls --port 0 .*--dg-heartbeat-period \d+ /)
      assert.ok(all.includes(`DASK_GATEWAY_CLUSTER_NAME=${made.name}\n`))
      assert.ok(all.includes(`USER=${made.username}\n`))
      assert.ok(all.includes(`ODD=it's "$HOME"\n\\n\n`))
      assert.ok(!all.includes(made.token) && !all.includes(made.tlsKey.trim()))
      assert.equal(await text(`${out}.token`), made.token)
      for (const line of (await written(`${out}.modes`)).split('\n')) assert.match(line, /^600 /)
    })

    test('a command that does not exist is told by its name', async () => {
      const made = cluster('')
      const broken = {
        ...made,
        settings: { ...made.settings, scheduler_cmd: 'no-such-program --x' },
      }
      const outcome = await backend.startScheduler(broken, signal)
      if (outcome.outcome === 'refused') {
        begun.push({ cluster: broken, refs: [] })
        assert.match(outcome.reason, /no-such-program/)
        return
      }
      // Where only the node can tell, its log does.
      const ref = refOf(broken, outcome.handle)
      begun.push({ cluster: broken, refs: [ref] })
      assert.equal((await gone(ref)).exitCode, 127)
      assert.match(String(await backend.logs(broken, ref, 1000, signal)), /no-such-program/)
    })

    test('workers are started together and stopped one by one', async () => {
      const made = cluster('sleep 60')
      // Some systems run workers only beside their scheduler.
      await started(made)
      const workers = [hex(16), hex(16)].map((workerName) => ({ workerName, attemptId: hex(8) }))
      const outcomes = await backend.startWorkers(made, workers, signal)
      const refs = workers.map(({ workerName, attemptId }) => ({
        ...refOf(made, handleIn(outcomes.get(attemptId)), { name: workerName }),
        attemptId,
      }))
      begun.unshift({ cluster: made, refs })
      const [first, second] = refs
      assert.ok(first !== undefined && second !== undefined)
      await backend.stopObjects(made, [first], signal)
      await gone(first)
      await lives(second)
    })

    const stops = {
      ...(stopping.signals.includes('SIGINT')
        ? { 'a process that obeys SIGINT is stopped by it': ['trap "exit 5" INT', 5] }
        : {}),
      'a process that ignores SIGINT is stopped': [
        'trap "" INT; trap "exit 6" TERM',
        stopping.signals.includes('SIGTERM') ? 6 : null,
      ],
      'a process that ignores SIGINT and SIGTERM is stopped': ['trap "" INT TERM', null],
    } as const
    for (const [title, [traps, code]] of Object.entries(stops))
      test(title, async () => {
        const out = hex(8)
        const made = cluster(
          `${traps}; echo ready > "$SCRATCH/$OUT"; while :; do sleep 0.05; done`,
          { OUT: out },
        )
        const ref = await started(made)
        await written(out)
        await backend.stopObjects(made, [ref], signal)
        await backend.stopObjects(made, [ref], signal)
        const { exitCode } = await gone(ref)
        // A shell above the process may still have told of the signal.
        assert.ok(exitCode === code || (code === null && exitCode === 137), `${exitCode}`)
        await backend.stopObjects(made, [ref], signal)
        assert.equal((await seen(ref))?.state, 'gone')
      })

    const children = {
      'a child': '',
      ...(stopping.findsOrphans
        ? { 'a child that ignores SIGINT and SIGTERM': `trap "" INT TERM;` }
        : {}),
    }
    for (const [title, traps] of Object.entries(children)) {
      test(`${title} is stopped with its parent`, async () => {
        const out = hex(8)
        const made = cluster(
          `(${traps} while :; do sleep 0.05; done) & echo $! > "$SCRATCH/$OUT"; wait`,
          { OUT: out },
        )
        const ref = await started(made)
        const pid = await written(out)
        assert.ok(alive(pid))
        await backend.stopObjects(made, [ref], signal)
        await gone(ref)
        await eventually(async () => assert.ok(!alive(pid)))
      })

      if (!stopping.findsOrphans) continue
      test(`${title} that outlives its parent is stopped, in a session of its own too`, async () => {
        for (const session of ['', 'setsid']) {
          const out = hex(8)
          const script =
            `${session} sh -c '${traps} echo $$ > "$SCRATCH/$OUT"; while :; do sleep 0.05; done' & ` +
            `until [ -s "$SCRATCH/$OUT" ]; do sleep 0.05; done`
          const ref = await started(cluster(script, { OUT: out }))
          const pid = await written(out)
          await gone(ref)
          await eventually(async () => assert.ok(!alive(pid)))
        }
      })
    }

    test('an attempt that is started again runs once', async () => {
      const out = hex(8)
      const made = cluster('echo once >> "$SCRATCH/$OUT"; sleep 60', { OUT: out })
      const ref = await started(made)
      await written(out)
      assert.deepEqual(handleIn(await backend.startScheduler(made, signal)), ref.handle)
      assert.deepEqual(handleIn(await (await open()).startScheduler(made, signal)), ref.handle)
      assert.equal(await text(out), 'once\n')
    })

    test('what was started is found when its answer was lost', async () => {
      const made = cluster('sleep 60')
      const ref = await started(made)
      const found = await (await open()).find([{ ...ref, handle: null }], signal)
      assert.deepEqual(found.get(ref.attemptId), { state: 'found', handle: ref.handle })
    })

    test('what was never started is absent, in a cluster that runs too, and then cannot start', async () => {
      const made = cluster('sleep 60')
      const never = refOf(cluster(''), null)
      assert.deepEqual((await backend.find([never], signal)).get(never.attemptId), {
        state: 'absent',
      })
      await started(made)
      const worker = { workerName: hex(16), attemptId: hex(8) }
      const ref = { ...refOf(made, null, { name: worker.workerName }), attemptId: worker.attemptId }
      for (const _ of [1, 2])
        assert.deepEqual((await backend.find([ref], signal)).get(ref.attemptId), {
          state: 'absent',
        })
      const late = await backend.startWorkers(made, [worker], signal)
      assert.equal(late.get(worker.attemptId)?.outcome, 'refused')
    })

    test('an attempt of unknown outcome is not observed', async () => {
      const ref = refOf(cluster(''), null)
      assert.equal(await seen(ref), undefined)
    })

    test('what a killed gateway started is adopted, watched and stopped by the next', async () => {
      const go = hex(8)
      const script = 'until [ -e "$SCRATCH/$GO" ]; do sleep 0.05; done; echo "went away"'
      const [first, second] = [cluster(script, { GO: go }), cluster('sleep 60')]
      const refs: ObjectRef[] = []
      for (const made of [first, second]) {
        const handle = await under.startFromGatewayThatDies(made)
        const lost = refOf(made, null)
        const found = (await backend.find([lost], signal)).get(lost.attemptId)
        assert.deepEqual(found, { state: 'found', handle })
        const ref = { ...lost, handle }
        begun.push({ cluster: made, refs: [ref] })
        await eventually(async () => assert.equal((await seen(ref))?.state, 'running'))
        refs.push(ref)
      }
      const [ending, stopping] = refs
      assert.ok(ending !== undefined && stopping !== undefined)
      await writeFile(path(go), '')
      const end = await gone(ending)
      assert.ok(end.exitCode === 0 || /went away/.test(end.reason), JSON.stringify(end))
      await lives(stopping)
      await backend.stopObjects(second, [stopping], signal)
      await gone(stopping)
    })

    test('logs are kept to their last bytes, whatever bytes they are', async () => {
      const made = cluster(`printf 'first\\n\\377\\000\\033[31m'; echo last >&2`)
      const ref = await started(made)
      await gone(ref)
      const all = await backend.logs(made, ref, 1000, signal)
      assert.deepEqual(all, Buffer.from('first\n\xff\0\x1b[31mlast\n', 'latin1'))
      assert.equal(String(await backend.logs(made, ref, 5, signal)), 'last\n')
      const other = { ...ref, workerName: hex(16), attemptId: hex(8), handle: null }
      assert.equal(await backend.logs(made, other, 1000, signal), null)
    })

    test('cleaning up leaves no secret, and may be done again', async () => {
      const [out, go] = [hex(8), hex(8)]
      const script =
        'mkdir -p closed/in; chmod 500 closed/in closed; echo "$DASK_GATEWAY_API_TOKEN" > "$SCRATCH/$OUT"; ' +
        'until [ -e "$SCRATCH/$GO" ]; do sleep 0.05; done'
      const made = cluster(script, { OUT: out, GO: go })
      const ref = await started(made)
      const token = await written(out)
      assert.ok((await stat(token)).isFile())
      await writeFile(path(go), '')
      await gone(ref)
      await backend.cleanUp(made, signal)
      await assert.rejects(stat(token), { code: 'ENOENT' })
      await backend.cleanUp(made, signal)
    })

    test('a sweep stops strays of this instance, seen twice and old enough, and nothing else', async () => {
      const [stray, kept] = [await started(cluster('sleep 60')), await started(cluster('sleep 60'))]
      const other = await under.openOther()
      opened.push(other)
      const foreign = cluster('sleep 60')
      const foreignRef = refOf(foreign, handleIn(await other.startScheduler(foreign, signal)))
      const isCurrent = (attemptId: string) => attemptId !== stray.attemptId
      assert.deepEqual(await backend.sweep(isCurrent, 0, signal), [])
      assert.deepEqual(await backend.sweep(isCurrent, 3_600_000, signal), [])
      await lives(stray)
      const stopped = await eventually(async () => {
        const swept = await backend.sweep(isCurrent, 0, signal)
        assert.ok(swept.length > 0)
        return swept
      })
      assert.match(stopped.join(), new RegExp(`${stray.clusterName}|${stray.attemptId}`))
      await gone(stray)
      await lives(kept)
      await lives(foreignRef, other)
      await other.stopObjects(foreign, [foreignRef], signal)
      await gone(foreignRef, other)
      await other.cleanUp(foreign, signal)
    })
  })
}
