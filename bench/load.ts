import { execFile } from 'node:child_process'
import { Agent } from 'node:http'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ask } from '../test/support/ask.ts'
import type { Bench } from './bench.ts'
import { cpuSeconds } from './processes.ts'
import type { Server } from './servers.ts'

/** What wrk (one thread, 32 connections) brought. */
export interface Load {
  readonly perSecond: number
  readonly p99Ms: number
  /** Of gateway, proxy and their helpers. */
  readonly cpuMicroseconds: number
  readonly proxyCpuMicroseconds: number
}

/** Asks for one URL as fast as answers come. Every answer must be a 2xx. */
export async function load(
  bench: Bench,
  server: Server,
  url: string,
  options: { readonly headers?: Headers; readonly script?: string; readonly data?: string } = {},
): Promise<Load> {
  const headers = Object.entries(options.headers ?? {}).flatMap(([name, value]) => [
    '-H',
    `${name}: ${value}`,
  ])
  const script = join(import.meta.dirname, options.script ?? 'wrk-report.lua')
  const wrk = (seconds: number) =>
    promisify(execFile)(
      'wrk',
      ['-t1', '-c32', `-d${seconds}s`, '--timeout', '60s', ...headers, '-s', script, url],
      {
        signal: bench.signal,
        timeout: (seconds + 90) * 1000,
        env: { PATH: process.env.PATH, BENCH_DATA: options.data ?? '' },
      },
    )
  if (!bench.quick) await wrk(1)
  const before = cpuSeconds(server.processes())
  const proxyBefore = cpuSeconds(server.proxyProcesses())
  const { stdout } = await wrk(bench.loadSeconds)
  const cpu = cpuSeconds(server.processes()) - before
  const proxyCpu = cpuSeconds(server.proxyProcesses()) - proxyBefore
  const [, requests, microseconds, p99, errors] =
    /^RESULT (\d+) (\d+) (\d+) (\d+)$/m.exec(stdout)?.map(Number) ?? []
  if (!requests || !microseconds || p99 === undefined || errors !== 0)
    throw new Error(`wrk ${url}: an answer was no success:\n${stdout}`)
  return {
    perSecond: requests / (microseconds / 1e6),
    p99Ms: p99 / 1000,
    cpuMicroseconds: (cpu / requests) * 1e6,
    proxyCpuMicroseconds: (proxyCpu / requests) * 1e6,
  }
}

type Headers = { readonly [name: string]: string }

/** The header by which a user speaks the first time. */
export function asUser(name: string): Headers {
  return { authorization: `Basic ${Buffer.from(`${name}:`).toString('base64')}` }
}

/** The header by which the user speaks from then on, as the Python client does. */
export async function session(server: Server, user: string): Promise<Headers> {
  const url = `${server.url}/api/v1/clusters/`
  const { headers, status } = await ask(url, { headers: asUser(user) })
  const cookie = headers['set-cookie']?.[0]?.split(';')[0]
  if (cookie === undefined) throw new Error(`${server.kind}: no session (status ${status})`)
  return { cookie }
}

/** How long each of many requests took, one after the other on one connection, until `done` is settled. */
export async function latenciesWhile(
  url: string,
  headers: Headers,
  done: Promise<unknown>,
): Promise<readonly number[]> {
  let over = false
  const end = () => {
    over = true
  }
  done.then(end, end)
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const latencies: number[] = []
  while (!over) {
    const begun = performance.now()
    const { status } = await ask(url, { headers, agent })
    if (status !== 200) throw new Error(`${url} answered ${status}`)
    latencies.push(performance.now() - begun)
  }
  agent.destroy()
  return latencies
}
