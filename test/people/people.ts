import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { basic, createGatewayClient, type GatewayClient } from '../../client/src/index.ts'
import {
  freePort,
  type RunningGateway,
  root,
  startGateway,
  workingDirectory,
} from '../e2e/harness.ts'
import { waitFor } from '../fakes/wait-for.ts'

export const password = 'open sesame'

const configuration = `
from dask_gateway_server.options import Bool, Integer, Mapping, Options, Select, String
c.DaskGateway.authenticator_class = "dask_gateway_server.auth.SimpleAuthenticator"
c.SimpleAuthenticator.password = "${password}"
c.SimpleAuthenticator.admin_users = ["boss"]
c.DBBackendBase.stop_clusters_on_shutdown = False
c.ClusterConfig.cluster_max_workers = 4

def handler(options):
    return {"environment": {"NOTE": options.note}}

c.Backend.cluster_options = Options(
    Integer("cores", default=1, min=1, max=2, label="Cores"),
    Select("size", ["small", "large"], label="Size"),
    Bool("fast", label="Fast"),
    String("note", default="", label="A \\x1b[31mnote\\x1b[0m"),
    Mapping("more", label="More"),
    handler=handler,
)
`

/** A real gateway on this machine, with Dask, for one test file. */
export async function peopleGateway(more = '') {
  const directory = workingDirectory('people')
  const port = await freePort()
  const options = { directory: directory.path, port, config: configuration + more }
  let gateway: RunningGateway = await startGateway(options)
  after(async () => {
    const boss = clientOf('boss')
    await gateway.signal('SIGCONT')
    await endAll(boss).catch(() => undefined)
    await gateway.stop()
    directory.remove()
  })
  const address = gateway.address
  function clientOf(user: string): GatewayClient {
    return createGatewayClient({ address, auth: basic(user, password) })
  }
  return {
    address,
    directory: directory.path,
    clientOf,
    gateway: () => gateway,
    log: () => gateway.log(),
    async restart() {
      await gateway.kill()
      gateway = await startGateway(options)
    },
    /** kill -9, and nothing in its place until `start`. */
    kill: () => gateway.kill(),
    async start() {
      gateway = await startGateway(options)
    },
  }
}

export type PeopleGateway = Awaited<ReturnType<typeof peopleGateway>>

/** Stops all clusters and waits until nothing of them runs. */
export async function endAll({ admin }: GatewayClient): Promise<void> {
  const status = ['PENDING', 'RUNNING', 'STOPPING'] as const
  for (const { name } of (await admin.clusters({ status, limit: 1000 })).clusters)
    await admin.stop(name)
  await waitFor(
    'all clusters to end',
    async () => (await admin.clusters({ status, limit: 1 })).total === 0,
    90_000,
  )
}

export interface CommandResult {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Someone's shell: a home of its own in which `bin/dask-gateway` is called. */
export function homeOf(address: string | null) {
  const home = mkdtempSync(join(tmpdir(), 'home-'))
  after(() => rmSync(home, { recursive: true, force: true }))
  const environment: NodeJS.ProcessEnv = {
    PATH: `${join(root, 'bin')}:/usr/bin:/bin`,
    HOME: home,
    USER: 'alice',
    LANG: 'C.UTF-8',
    ...(address === null ? {} : { DASK_GATEWAY_ADDRESS: address }),
  }

  function start(words: readonly string[], input = '', more: NodeJS.ProcessEnv = {}) {
    const child = spawn(join(root, 'bin/dask-gateway'), words, {
      env: { ...environment, ...more },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    child.stdin.end(input)
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text) => {
      stderr += text
    })
    const ended = once(child, 'close').then(() => ({ status: child.exitCode, stdout, stderr }))
    return { child, ended, stdout: () => stdout, stderr: () => stderr }
  }

  return {
    home,
    environment,
    start,
    run: (words: readonly string[], input?: string, more?: NodeJS.ProcessEnv) =>
      start(words, input, more).ended as Promise<CommandResult>,
    login: (user: string) => start(['login', '--user', user], `${password}\n`).ended,
  }
}

export async function endedWithin(child: ChildProcess, limitMs: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  await once(child, 'exit', { signal: AbortSignal.timeout(limitMs) })
}
