import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { waitFor } from '../fakes/wait-for.ts'
import { freePort, startGateway, workingDirectory } from './harness.ts'
import { processesIn } from './processes.ts'
import { leftBehind, runCommand } from './run-command.ts'
import { runPython } from './run-python.ts'

// A gateway that root starts: only where the tests are root's.
const options = { skip: process.getuid?.() === 0 ? false : 'needs root' }
const working = workingDirectory('as-root')
const directory = working.path
after(() => working.remove())

// Root's, unlike the other: nobody else may put something in its place.
const clusters = mkdtempSync(join(tmpdir(), 'clusters-'))
chmodSync(clusters, 0o711)
after(() => rmSync(clusters, { recursive: true }))

const direct = ['/usr/bin/env']

test(
  'root without UnsafeLocalBackend.user: a sentence, and nothing is written',
  options,
  async () => {
    const cases: readonly [readonly string[], RegExp][] = [
      [[], /^Error: .*root may not run them: .* name one: c\.UnsafeLocalBackend\.user = "NAME"/],
      [['--UnsafeLocalBackend.user=root'], /^Error: UnsafeLocalBackend\.user = "root": .*uid 0/],
    ]
    for (const [user, sentence] of cases) {
      const { status, stderr } = await runCommand(
        [`--Proxy.address=127.0.0.1:${await freePort()}`, ...user],
        { directory, by: direct },
      )
      assert.equal(status, 1)
      assert.match(stderr, sentence)
      assert.equal(stderr.trimEnd().split('\n').length, 1, stderr)
      assert.deepEqual(leftBehind(directory), [])
      assert.ok(!existsSync(join(directory, 'dask_gateway.sqlite')))
    }
  },
)

test(
  'root with user = "nobody": clusters compute as nobody, who cannot read the records',
  options,
  async () => {
    const gateway = await startGateway({
      directory,
      port: await freePort(),
      config: `c.UnsafeLocalBackend.user = "nobody"\nc.LocalBackend.clusters_directory = "${clusters}"`,
      env: { TMPDIR: join(directory, 'tmp') },
      by: direct,
    })
    try {
      const program = `
import os, sys
from dask_gateway import Gateway, BasicAuth
gateway = Gateway(os.environ["ADDRESS"], auth=BasicAuth("alice"))
cluster = gateway.new_cluster()
cluster.scale(1)
client = cluster.get_client()
print("worker", client.submit(os.getuid).result(timeout=120))
print("scheduler", client.run_on_scheduler(os.getuid))
def read(path):
    try:
        return open(path, "rb").read() and "read"
    except OSError as error:
        return type(error).__name__
for path in sys.argv[1:] or os.environ["FILES"].split(":"):
    print("file", client.submit(read, path).result(timeout=60))
print("ready")
sys.stdin.readline()
cluster.shutdown()
client.close()
print("done")
`
      const files = ['dask_gateway.sqlite', 'dask_gateway.sqlite.key'].map((name) =>
        join(directory, name),
      )
      const client = runPython(program, gateway.address, { FILES: files.join(':') })
      await client.printed('ready', 180_000)
      assert.match(client.output(), /^worker 65534$/m)
      assert.match(client.output(), /^scheduler 65534$/m)
      assert.equal(client.output().match(/^file PermissionError$/gm)?.length, 2, client.output())
      const dask = processesIn(clusters).filter(({ command }) =>
        /dask (scheduler|worker)/.test(command),
      )
      assert.ok(dask.length >= 2, JSON.stringify(dask))
      for (const { pid } of dask) assert.deepEqual(uidsOf(`${pid}`), ['65534'])
      client.write('end')
      await client.ended
      await waitFor('the processes to end', () => daskProcesses() === 0, 60_000)
    } catch (error) {
      throw new Error(gateway.log(), { cause: error })
    } finally {
      assert.equal(await gateway.stop(), 0)
    }
    assert.deepEqual(leftBehind(directory), [])
    assert.deepEqual(readdirSync(clusters), [])
  },
)

function daskProcesses(): number {
  return processesIn(clusters).filter(({ command }) => /dask (scheduler|worker)/.test(command))
    .length
}

/** Real, effective, saved and file-system uid of a process, each once. */
function uidsOf(pid: string): readonly string[] {
  const line = /^Uid:\t(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? ''
  return [...new Set(line.split('\t'))]
}
