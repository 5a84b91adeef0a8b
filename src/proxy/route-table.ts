import type { Route, RouteChange, RouteFeed, RouteLine, RouteTable } from '../core/index.ts'
import { randomHex } from '../util/index.ts'
import { PresenceBoard } from './client-presence.ts'

interface Watch {
  readonly proxyName: string
  version: number
  readonly send: (line: RouteLine) => void
  readonly end: () => void
}

interface Waiter {
  readonly version: number
  readonly settle: () => void
}

/**
 * The gateway's routes, in memory: `clusters/` writes them, `api/` serves them to proxies. `maxEvents` changes are kept for a
 * proxy that comes back; one that missed more takes a snapshot.
 */
export function createRouteTable(options: {
  readonly maxEvents: number
  readonly pingPeriodMs?: number
}): RouteTable & RouteFeed {
  const epoch = randomHex(8)
  const presence = new PresenceBoard()
  const routes = new Map<string, Route>()
  const changes: RouteChange[] = []
  const watches = new Map<string, Watch>()
  const waiters = new Set<Waiter>()
  let version = 0

  const record = (change: RouteChange) => {
    changes.push(change)
    if (changes.length > options.maxEvents) changes.shift()
    for (const watch of watches.values()) watch.send(change)
    return change.version
  }
  const lagging = (wanted: number) =>
    [...watches.values()].filter((each) => each.version < wanted).map((each) => each.proxyName)
  const settleWaiters = () => {
    for (const waiter of waiters) if (lagging(waiter.version).length === 0) waiter.settle()
  }
  const snapshot = () => ({ epoch, version, routes: [...routes.values()] })

  return {
    put(route) {
      routes.set(route.clusterName, route)
      presence.add(route.clusterName)
      return record({ version: ++version, type: 'put', route })
    },

    remove(clusterName) {
      if (!routes.delete(clusterName)) return version
      presence.remove(clusterName)
      return record({ version: ++version, type: 'remove', clusterName })
    },

    async whenAcknowledged(wanted, limitMs) {
      if (lagging(wanted).length > 0)
        await new Promise<void>((resolve) => {
          const settle = () => {
            clearTimeout(timer)
            waiters.delete(waiter)
            resolve()
          }
          const timer = setTimeout(settle, limitMs)
          const waiter = { version: wanted, settle }
          waiters.add(waiter)
        })
      return lagging(wanted)
    },

    snapshot,

    serveWatch(request, write, onReplaced) {
      watches.get(request.proxyName)?.end()
      const send = (line: RouteLine) => write(`${JSON.stringify(line)}\n`)
      const ping = setInterval(() => send({ type: 'ping' }), options.pingPeriodMs ?? 5_000)
      const close = () => {
        clearInterval(ping)
        if (watches.get(request.proxyName) === watch) {
          watches.delete(request.proxyName)
          presence.proxyLeft(request.proxyName)
        }
        settleWaiters()
      }
      const end = () => {
        close()
        onReplaced()
      }
      const missed =
        request.epoch === epoch ? changesSince(changes, version, request.since ?? -1) : null
      const since = missed === null ? -1 : (request.since ?? -1)
      const watch: Watch = { proxyName: request.proxyName, version: since, send, end }
      watches.set(request.proxyName, watch)
      presence.proxyCame(request.proxyName)
      for (const change of missed ?? []) send(change)
      if (missed === null) send({ type: 'snapshot', ...snapshot() })
      else send({ type: 'current', epoch, version })
      return { close }
    },

    acknowledge(proxyName, ofEpoch, acknowledged) {
      const watch = watches.get(proxyName)
      if (watch === undefined || ofEpoch !== epoch || acknowledged > version) return false
      watch.version = Math.max(watch.version, acknowledged)
      settleWaiters()
      return true
    },

    reportTunnels(proxyName, ofEpoch, open) {
      if (!watches.has(proxyName) || ofEpoch !== epoch) return false
      presence.report(proxyName, open)
      return true
    },

    clientsOf: (clusterName) => presence.of(clusterName),

    proxies: () =>
      [...watches.values()].map((each) => ({ name: each.proxyName, version: each.version })),
  }
}

/** The kept changes after `since`; null: some of them are forgotten, or it is no version of ours. */
function changesSince(
  changes: readonly RouteChange[],
  version: number,
  since: number,
): readonly RouteChange[] | null {
  const oldest = version - changes.length
  if (since < oldest || since > version) return null
  return changes.slice(since - oldest)
}
