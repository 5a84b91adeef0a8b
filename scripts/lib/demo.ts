// The gateway of `scripts/demo`, with its three clusters. Usage: demo.ts [PORT]
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { basic, createGatewayClient, type GatewayClient } from '../../client/src/index.ts'
import { randomHex } from '../../src/util/index.ts'

const root = join(import.meta.dirname, '../..')
const python = process.env.DASK_GATEWAY_TEST_PYTHON ?? join(root, '.venv/bin/python')
const port = Number(process.argv[2] ?? 8000)
const password = randomHex(4)
const stopLimitMs = 60_000

const configuration = `
from dask_gateway_server.options import Bool, Float, Integer, Mapping, Options, Select
c.Proxy.address = "127.0.0.1:${port}"
c.SimpleAuthenticator.password = "${password}"
c.SimpleAuthenticator.admin_users = ["admin"]
c.DBBackendBase.stop_clusters_on_shutdown = True
c.DBBackendBase.cluster_start_timeout = 86400
c.ClusterConfig.cluster_max_workers = 8

def settings_of(options):
    settings = {
        "worker_cores": options.worker_cores,
        "worker_memory": f"{options.worker_memory} G",
        "environment": options.environment,
    }
    if options.scheduler == "one that never answers":
        settings["scheduler_cmd"] = ["/bin/sh", "-c", "echo Waiting for a licence; exec sleep 86400"]
    if options.scheduler == "one that fails":
        settings["scheduler_cmd"] = ["/bin/sh", "-c", "echo 'No licence was found' >&2; exit 3"]
    return settings

c.Backend.cluster_options = Options(
    Integer("worker_cores", default=1, min=1, max=4, label="Cores of a worker"),
    Float("worker_memory", default=1, min=0.5, max=8, label="Memory of a worker (GB)"),
    Select(
        "scheduler",
        ["Dask's", "one that never answers", "one that fails"],
        label="Scheduler",
    ),
    Mapping("environment", label="Environment variables"),
    handler=settings_of,
)
`

const folder = mkdtempSync(join(tmpdir(), 'dask-gateway-demo-'))
chmodSync(folder, 0o700)
// Root may not run clusters: as root it is nobody's, who must be able to read this clone.
const nobody = 65534
const isRoot = process.getuid?.() === 0
if (isRoot) chownSync(folder, nobody, nobody)
const logFile = join(folder, 'log')
let gateway: ChildProcess | null = null
const stopping = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => stopping.abort())

try {
  const address = await started()
  const user = createGatewayClient({ address, auth: basic('ada', password) })
  console.log('==> starting three clusters')
  await threeClusters(user)
  console.log(`
The page is at  ${address}

    user            ada
    administrator   admin
    password        ${password}

Ada has a cluster that runs with two workers, one that waits and one that failed. Ctrl-C ends all of it.
`)
  await ended()
} catch (error) {
  if (!stopping.signal.aborted) {
    console.error(`Error: ${error instanceof Error ? error.message : String(error)}`)
    console.error(lastWords())
    process.exitCode = 1
  }
} finally {
  await stop()
  rmSync(folder, { recursive: true, force: true })
}

/** Resolves with the address when the gateway answers; it says itself when that is. */
async function started(): Promise<string> {
  const file = join(folder, 'dask_gateway_config.py')
  writeFileSync(file, configuration, { mode: 0o600 })
  if (isRoot) chownSync(file, nobody, nobody)
  const asNobody = isRoot ? [`--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups'] : []
  // A session of its own: Ctrl-C reaches only us. Should we be killed, so is it.
  const child = spawn(
    'setpriv',
    [...asNobody, '--pdeathsig=TERM', '--', join(root, 'bin/dask-gateway-server'), '-f', file],
    {
      cwd: folder,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...process.env, HOME: folder, PATH: `${dirname(python)}:${process.env.PATH ?? ''}` },
    },
  )
  gateway = child
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (text: Buffer) => writeFileSync(logFile, text, { flag: 'a' }))
  const ready = new Promise<string>((resolve, reject) => {
    child.once('message', (message: { readonly ready?: string }) => resolve(message.ready ?? ''))
    child.once('error', (cause) =>
      reject(new Error(`The gateway cannot be started: ${cause.message}`)),
    )
    child.once('exit', () => reject(new Error('The gateway ended; its last words:')))
    stopping.signal.addEventListener('abort', () => reject(new Error('stopped')))
  })
  return await ready
}

async function threeClusters(user: GatewayClient): Promise<void> {
  const { signal } = stopping
  const runs = await user.create({}, { signal })
  await user.create({ scheduler: 'one that never answers' }, { signal })
  const fails = await user.create({ scheduler: 'one that fails' }, { signal })
  await user.waitUntilRunning(runs, { signal })
  await user.scale(runs, 2, { signal })
  await user.waitUntilEnded(fails, { signal })
}

async function ended(): Promise<void> {
  if (gateway === null || gateway.exitCode !== null || stopping.signal.aborted) return
  await once(gateway, 'exit', { signal: stopping.signal })
  throw new Error('The gateway ended; its last words:')
}

async function stop(): Promise<void> {
  if (gateway === null || gateway.exitCode !== null || gateway.signalCode !== null) return
  console.log('==> stopping the clusters and the gateway')
  const exit = once(gateway, 'exit')
  gateway.kill('SIGTERM')
  const timer = setTimeout(() => gateway?.kill('SIGKILL'), stopLimitMs)
  await exit
  clearTimeout(timer)
}

function lastWords(): string {
  try {
    return readFileSync(logFile, 'utf8').split('\n').slice(-15).join('\n')
  } catch {
    return ''
  }
}
