import { setMaxListeners } from 'node:events'
import { HadoopError } from '../errors.ts'
import type { RpcClientOptions } from './client.ts'
import { openConnection, type RpcConnection } from './connection.ts'
import type { ExpectedServer } from './service-principal.ts'

/** The connections of a client, by server and user. One that fails is forgotten, one that is idle is closed. */
export interface Connections {
  /** Rejects when the server has not let us in after `serverLimitMs`. */
  open(
    server: ExpectedServer,
    onBehalfOf: string | undefined,
  ): RpcConnection | Promise<RpcConnection>
  close(): void
}

interface Kept {
  readonly opening: Promise<RpcConnection>
  connection: RpcConnection | null
  /** 0: in use, or just opened. */
  idleSinceMs: number
}

export function createConnections(
  options: RpcClientOptions & { readonly clientId: Buffer; readonly serverLimitMs: number },
): Connections {
  const kept = new Map<string, Kept>()
  const idleMs = options.idleMs ?? 10_000
  let sweeper: NodeJS.Timeout | null = null
  const closed = new AbortController()
  setMaxListeners(0, closed.signal)

  function begin(key: string, server: ExpectedServer, onBehalfOf: string | undefined) {
    const { protocol, login, protections, clientId, serverLimitMs: limitMs } = options
    const entry: Kept = {
      opening: openConnection({
        server,
        onBehalfOf,
        limitMs,
        protocol,
        login,
        protections,
        clientId,
        signal: closed.signal,
      }),
      connection: null,
      idleSinceMs: 0,
    }
    kept.set(key, entry)
    entry.opening.then(
      (connection) => {
        entry.connection = connection
        if (closed.signal.aborted) connection.close()
      },
      () => {
        if (kept.get(key) === entry) kept.delete(key)
      },
    )
    sweeper ??= setInterval(sweep, Math.max(10, idleMs / 4))
    return entry
  }

  /** Closes what nobody has used for a while; what came to an end by itself goes too. */
  function sweep(): void {
    const nowMs = performance.now()
    for (const [key, entry] of kept) {
      const { connection } = entry
      if (connection === null) continue
      if (connection.inFlight > 0) entry.idleSinceMs = 0
      else if (entry.idleSinceMs === 0) entry.idleSinceMs = nowMs
      else if (nowMs - entry.idleSinceMs >= idleMs) connection.close()
      if (!connection.isOpen) kept.delete(key)
    }
    if (kept.size > 0 || sweeper === null) return
    clearInterval(sweeper)
    sweeper = null
  }

  return {
    open(server, onBehalfOf) {
      if (closed.signal.aborted) throw new HadoopError('closed', 'the client was closed')
      const key = JSON.stringify([server.host, server.port, onBehalfOf ?? null])
      let entry = kept.get(key)
      if (entry === undefined || entry.connection?.isOpen === false)
        entry = begin(key, server, onBehalfOf)
      entry.idleSinceMs = 0
      return entry.connection ?? entry.opening
    },
    close() {
      closed.abort()
      if (sweeper !== null) clearInterval(sweeper)
      for (const { connection } of kept.values()) connection?.close()
      kept.clear()
    },
  }
}
