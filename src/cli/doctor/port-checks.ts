import { once } from 'node:events'
import { createServer } from 'node:net'
import type { HostPort } from '../../core/index.ts'
import { argumentsOf, type Listener, listenersOn } from '../../util/index.ts'
import { type Finding, failed, ok, warning } from './checkup.ts'

/** A port that the gateway or its proxy listens on. */
export interface OwnPort {
  readonly setting: string
  readonly address: HostPort
  /** Who is to have it while a gateway runs. */
  readonly holder: 'gateway' | 'proxy'
}

/** Free, where no gateway runs; else held by it. `gatewayPid` null: none runs. */
export async function checkPort(port: OwnPort, gatewayPid: number | null): Promise<Finding> {
  const listeners = listenersOn(port.address.port)
  if (listeners.length > 0) return judgeListeners(port, gatewayPid, listeners, describe)
  if (gatewayPid === null) return triedPort(port)
  return failed(
    `A gateway runs, but nothing listens on ${shown(port)}`,
    port.holder === 'proxy'
      ? "See the gateway's log for why its proxy ended, or whether the configuration was changed since its start."
      : 'The configuration was changed since its start, or it is about to end: start it again.',
  )
}

/** Pure: whether those who listen are ours. Of other accounts' processes the descriptors are hidden; then the account counts. */
export function judgeListeners(
  port: OwnPort,
  gatewayPid: number | null,
  listeners: readonly Listener[],
  tell: (pid: number) => string,
): Finding {
  const pids = listeners.flatMap((each) => each.pids)
  if (pids.length === 0) {
    const uids = [...new Set(listeners.map((each) => each.uid))].join(', ')
    const who = `${shown(port)} is held by a process of uid ${uids}, which this account may not look at`
    return gatewayPid === null
      ? failed(
          who,
          `End it, or set another ${port.setting}. As root, "ss -ltnp sport = :${port.address.port}" names it.`,
        )
      : warning(who, "Run this as the gateway's account.")
  }
  const names = pids.map((pid) => `process ${pid} (${tell(pid).slice(0, 200)})`).join(', ')
  const ours = pids.every((pid) =>
    port.holder === 'gateway' ? pid === gatewayPid : isProxy(tell(pid)),
  )
  if (gatewayPid !== null && ours)
    return ok(`${shown(port)} is held by our own ${port.holder}: process ${pids.join(', ')}`)
  if (gatewayPid === null && port.holder === 'proxy' && ours)
    return warning(
      `${shown(port)} is held by a proxy, ${names}, while no gateway runs on these records`,
      "A proxy goes on for a minute after its gateway was killed; if it stays, it is another gateway's.",
    )
  return failed(
    `${shown(port)} is held by ${names}, not by our own ${port.holder}`,
    `End that program, or set another ${port.setting}.`,
  )
}

/** By its words: `…/cli/managed-proxy.js`, or `… proxy` where it is managed externally. */
function isProxy(words: string): boolean {
  return (
    /\/cli\/managed-proxy\.[jt]s(\s|$)/.test(words) || /\/cli\/main\.[jt]s proxy(\s|$)/.test(words)
  )
}

function describe(pid: number): string {
  return argumentsOf(pid).join(' ')
}

async function triedPort(port: OwnPort): Promise<Finding> {
  const server = createServer()
  const { host } = port.address
  try {
    server.listen({ port: port.address.port, ...(host === '' ? {} : { host }) })
    await once(server, 'listening')
    return ok(`${shown(port)} is free`)
  } catch (error) {
    return untaken(port, error as NodeJS.ErrnoException)
  } finally {
    server.close()
  }
}

function untaken(port: OwnPort, { code, message }: NodeJS.ErrnoException): Finding {
  const why: { readonly [code: string]: string } = {
    EACCES: 'Set a port of 1024 or above, or give the right (CAP_NET_BIND_SERVICE).',
    EADDRNOTAVAIL: 'This machine has no such address.',
    EADDRINUSE: 'End what uses it.',
  }
  return failed(
    `One may not listen on ${shown(port)}: ${message}`,
    `${why[code ?? ''] ?? ''} Or set another ${port.setting}.`.trim(),
  )
}

function shown({ setting, address: { host, port } }: OwnPort): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port} (${setting})`
}
