import type { Route } from '../core/index.ts'

/**
 * What the proxy knows: the route of each cluster, and the open tunnels through it. A route that changes leaves its
 * tunnels alone (they end with their scheduler); the tunnels of a removed one are cut after `graceMs`, for the bytes still on their way.
 */
export function createTunnels(options: {
  readonly graceMs: number
  readonly routesWaitMs: number
  /** So many may wait for a route. */
  readonly maxWaiting: number
  readonly maxPerCluster: number
}) {
  // By the name in lower case, as a server name is matched.
  const routes = new Map<string, Route>()
  const open = new Map<string, Set<() => void>>()
  const cuts = new Map<string, NodeJS.Timeout>()
  const waiting = new Set<() => void>()
  // Clusters that had a tunnel since that was last told.
  const touched = new Set<string>()
  const watchers = new Set<() => void>()
  let isUntold = false
  let hasAll = false

  const changed = () => {
    isUntold = true
    for (const tell of watchers) tell()
  }

  const cutLater = (name: string) => {
    if (!open.has(name) || cuts.has(name)) return
    const cut = () => {
      cuts.delete(name)
      for (const close of open.get(name) ?? []) close()
    }
    cuts.set(name, setTimeout(cut, options.graceMs))
  }

  const put = (route: Route) => {
    const name = route.clusterName.toLowerCase()
    routes.set(name, route)
    clearTimeout(cuts.get(name))
    cuts.delete(name)
  }

  const remove = (clusterName: string) => {
    const name = clusterName.toLowerCase()
    routes.delete(name)
    cutLater(name)
  }

  return {
    put,
    remove,

    replaceAll(all: readonly Route[]): void {
      const kept = new Set(all.map((route) => route.clusterName.toLowerCase()))
      for (const name of [...routes.keys()]) if (!kept.has(name)) remove(name)
      for (const route of all) put(route)
    },

    upToDate(is: boolean): void {
      hasAll = is
      if (is) for (const go of waiting) go()
    },

    /**
     * null: there is none. That is said only when all routes are known, or at the limit: the gateway says RUNNING when the proxies
     * that are connected have the route, and one that has just been started or has lost the gateway learns it a moment later.
     */
    async find(name: string): Promise<Route | null> {
      if (!hasAll && !routes.has(name) && waiting.size < options.maxWaiting)
        await new Promise<void>((resolve) => {
          const go = () => {
            clearTimeout(timer)
            waiting.delete(go)
            resolve()
          }
          const timer = setTimeout(go, options.routesWaitMs)
          waiting.add(go)
        })
      return routes.get(name) ?? null
    },

    /** Counts a tunnel and says how it can be closed; call the result when it is. null: there are too many. */
    add(name: string, close: () => void): (() => void) | null {
      const all = open.get(name) ?? new Set()
      if (all.size >= options.maxPerCluster) return null
      open.set(name, all.add(close))
      touched.add(name)
      if (all.size === 1) changed()
      return () => {
        all.delete(close)
        if (all.size > 0 || open.get(name) !== all) return
        open.delete(name)
        changed()
      }
    },

    take(): ReadonlyMap<string, number> {
      const counts = new Map([...touched].map((name) => [name, 0]))
      touched.clear()
      isUntold = false
      for (const [name, all] of open) {
        counts.set(name, all.size)
        touched.add(name)
      }
      return counts
    },

    whenChanged(signal: AbortSignal): Promise<void> {
      return new Promise((resolve) => {
        const done = () => {
          watchers.delete(done)
          signal.removeEventListener('abort', done)
          resolve()
        }
        if (signal.aborted || isUntold) return resolve()
        watchers.add(done)
        signal.addEventListener('abort', done)
      })
    },

    stop(): void {
      for (const timer of cuts.values()) clearTimeout(timer)
      for (const go of waiting) go()
    },
  }
}

export type Tunnels = ReturnType<typeof createTunnels>
