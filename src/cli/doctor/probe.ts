import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer, type TLSSocket } from 'node:tls'
import { GatewayError } from '../../core/index.ts'
import { createKeyPair } from '../../util/index.ts'
import { ask } from './ask.ts'
import type { Place } from './place.ts'
import { fingerprintOf } from './tls-hello.ts'
import type { TunnelTarget } from './tunnel-checks.ts'

/** A TLS server of ours that the gateway has made a route to. */
export interface Probe {
  readonly target: TunnelTarget
  close(): Promise<void>
}

/**
 * Opens a probe and asks the gateway, at its private address, for a route to it. `token`: the proxy's; it goes in a header, to
 * that address only. Whoever opens it closes it; the gateway forgets it by itself in half a minute.
 */
export async function openProbe(
  gateway: Place,
  token: string,
  signal: AbortSignal,
): Promise<Probe> {
  const { certPem, keyPem } = await createKeyPair(['dask-gateway-doctor'])
  const sockets = new Set<TLSSocket>()
  const server = createServer({ cert: certPem, key: keyPem }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
  })
  server.on('tlsClientError', () => {})
  const stop = () => {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  try {
    // By the address that the gateway is asked at, so that it takes this one for the probe's.
    server.listen(0, gateway.host)
    await once(server, 'listening', { signal })
    const { port } = server.address() as AddressInfo
    const route = await openProbeRoute(gateway, token, { port }, signal)
    return {
      target: { name: route.name, what: 'the probe', fingerprint: fingerprintOf(certPem) },
      async close() {
        await route.close()
        stop()
      },
    }
  } catch (error) {
    stop()
    throw error
  }
}

/** A name by which TLS goes to a probe. */
export interface ProbeRoute {
  readonly name: string
  close(): Promise<void>
}

/** Asks the gateway for a route to a probe: at `host`, or where the one who asks is. */
export async function openProbeRoute(
  gateway: Place,
  token: string,
  to: { readonly host?: string; readonly port: number },
  signal: AbortSignal,
): Promise<ProbeRoute> {
  const headers = { authorization: `token ${token}` }
  const how = { method: 'POST', headers, body: JSON.stringify(to) }
  const answer = await ask(gateway, '/api/v1/routes/probe', signal, how)
  const name = 'reason' in answer ? null : nameIn(answer.text)
  if (name === null)
    throw new GatewayError(
      'upstream',
      `The gateway made no route to a probe: ${'reason' in answer ? answer.reason : `status ${answer.status}`}. Was it started with the same Proxy.api_token and DASK_GATEWAY_PROXY_TOKEN, and is it as new as this command?`,
    )
  return {
    name,
    async close() {
      const limit = AbortSignal.timeout(5_000)
      await ask(gateway, `/api/v1/routes/probe/${name}`, limit, { method: 'DELETE', headers })
    },
  }
}

function nameIn(text: string): string | null {
  try {
    const { name } = JSON.parse(text)
    return typeof name === 'string' ? name : null
  } catch {
    return null
  }
}
