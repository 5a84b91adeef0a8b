import * as z from 'zod'
import { isNeverScheduler } from '../clusters/index.ts'
import { GatewayError, type RouteTable } from '../core/index.ts'
import { randomHex } from '../util/index.ts'
import { clientOf } from './client.ts'
import { jsonBody } from './json-body.ts'
import { requireProxy } from './require-proxy.ts'
import { type RouteContext, sendJson } from './route-context.ts'

const probeBody = z.object({
  port: z.int().min(1).max(65535),
  host: z.union([z.ipv4(), z.ipv6()]).optional(),
})
const lifeMs = 30_000
const acknowledgedWithinMs = 2_000
const maxProbes = 10

/**
 * Routes to a probe instead of a scheduler, with which `dask-gateway-server doctor` follows the way of TLS from end to end:
 *
 *   POST /api/v1/routes/probe   {"port": N}   200 {"name": NAME}: TLS with SNI daskgateway-NAME goes to that port of the asker's
 *                                             address, or of "host", for half a minute
 *   DELETE /api/v1/routes/probe/NAME          204
 *
 * On the private address, with the proxy's token. A name is random and never a cluster's.
 */
export function addProbeRoutes(
  context: RouteContext,
  routes: Pick<RouteTable, 'put' | 'remove' | 'whenAcknowledged'>,
  proxyToken: string,
): void {
  const { app } = context
  const probes = new Map<string, NodeJS.Timeout>()

  const forget = (name: string) => {
    const timer = probes.get(name)
    if (timer === undefined) return
    clearTimeout(timer)
    probes.delete(name)
    routes.remove(name)
  }
  context.stopping.addEventListener('abort', () => {
    for (const name of probes.keys()) forget(name)
  })

  app.route({
    method: 'POST',
    url: '/api/v1/routes/probe',
    onRequest: requireProxy(proxyToken),
    handler: async (request, reply) => {
      const body = probeBody.safeParse(jsonBody(request.body))
      if (!body.success) throw new GatewayError('invalid', 'A probe has a port')
      if (probes.size >= maxProbes)
        throw new GatewayError('unavailable', 'There are too many probes; try again in a minute')
      const host = body.data.host ?? clientOf(request.raw).address
      if (isNeverScheduler(host))
        throw new GatewayError('invalid', `${host} is never the address of a scheduler`)
      const name = `probe-${randomHex(8)}`
      probes.set(name, setTimeout(forget, lifeMs, name).unref())
      const version = routes.put({ clusterName: name, host, port: body.data.port })
      await routes.whenAcknowledged(version, acknowledgedWithinMs)
      return sendJson(reply, { name })
    },
  })

  app.route({
    method: 'DELETE',
    url: '/api/v1/routes/probe/:name',
    onRequest: requireProxy(proxyToken),
    handler: (request, reply) => {
      forget((request.params as { readonly name: string }).name)
      return sendJson(reply, undefined)
    },
  })
}
