import type { FastifyReply, FastifyRequest } from 'fastify'
import * as z from 'zod'
import { GatewayError, type RouteFeed, type WatchRequest } from '../core/index.ts'
import { clientOf } from './client.ts'
import { jsonBody } from './json-body.ts'
import { requireProxy } from './require-proxy.ts'
import { queryOf, type RouteContext, sendJson } from './route-context.ts'

// A proxy that reads nothing for so long that this piles up is cut off, and connects anew.
const maxUnsentBytes = 16 * 1024 * 1024

const acknowledgement = z.object({
  proxy: z.string().max(100),
  epoch: z.string().max(100),
  version: z.int().min(0),
})

const tunnelReport = z.object({
  proxy: z.string().max(100),
  epoch: z.string().max(100),
  open: z.record(z.string().max(253), z.int().min(0)),
})

/** The addresses from which a proxy watches now; only they may bring public traffic to the private address. */
export interface OpenWatches {
  has(address: string): boolean
}

/** Serves the routes to proxies, on the private address only: the wire is described in core/route-table.ts. */
export function addRouteWatch(
  context: RouteContext,
  routeFeed: RouteFeed,
  proxyToken: string,
): OpenWatches {
  const { app } = context
  const watching = new Map<string, number>()

  app.route({
    method: 'GET',
    url: '/api/v1/routes',
    exposeHeadRoute: false,
    onRequest: requireProxy(proxyToken),
    handler: (request, reply) => {
      if (queryOf(request, 'watch') === null) return sendJson(reply, routeFeed.snapshot())
      serveWatch(request, reply, watchRequestOf(request))
      return reply
    },
  })

  app.route({
    method: 'POST',
    url: '/api/v1/routes/ack',
    onRequest: requireProxy(proxyToken),
    handler: (request, reply) => {
      const body = acknowledgement.safeParse(jsonBody(request.body))
      if (!body.success) {
        throw new GatewayError('invalid', 'An acknowledgement has proxy, epoch and version')
      }
      const { proxy, epoch, version } = body.data
      if (routeFeed.acknowledge(proxy, epoch, version)) return sendJson(reply, undefined)
      throw new GatewayError('conflict', `No watch of proxy ${proxy} in this run is open`)
    },
  })

  app.route({
    method: 'POST',
    url: '/api/v1/routes/tunnels',
    onRequest: requireProxy(proxyToken),
    handler: (request, reply) => {
      const body = tunnelReport.safeParse(jsonBody(request.body))
      if (!body.success)
        throw new GatewayError('invalid', 'A report of tunnels has proxy, epoch and open')
      const { proxy, epoch, open } = body.data
      if (routeFeed.reportTunnels(proxy, epoch, new Map(Object.entries(open))))
        return sendJson(reply, undefined)
      throw new GatewayError('conflict', `No watch of proxy ${proxy} in this run is open`)
    },
  })

  function serveWatch(request: FastifyRequest, reply: FastifyReply, watch: WatchRequest): void {
    reply.hijack()
    const response = reply.raw
    const address = clientOf(request.raw).address
    response.writeHead(200, {
      'content-type': 'application/x-ndjson',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    })
    watching.set(address, (watching.get(address) ?? 0) + 1)
    const { close } = routeFeed.serveWatch(
      watch,
      (line) => {
        response.write(line)
        if (response.writableLength > maxUnsentBytes) response.destroy()
      },
      () => response.end(),
    )
    const end = () => response.end()
    context.stopping.addEventListener('abort', end)
    response.once('close', () => {
      context.stopping.removeEventListener('abort', end)
      close()
      const others = (watching.get(address) ?? 1) - 1
      if (others === 0) watching.delete(address)
      else watching.set(address, others)
    })
  }

  return { has: (address) => watching.has(address) }
}

function watchRequestOf(request: FastifyRequest): WatchRequest {
  const proxyName = queryOf(request, 'proxy') ?? ''
  const epoch = queryOf(request, 'epoch')
  const since = queryOf(request, 'since')
  if (!/^[A-Za-z0-9._-]{1,100}$/.test(proxyName)) {
    throw new GatewayError('invalid', 'proxy must be a name of 1 to 100 of A-Z a-z 0-9 . _ -')
  }
  if (since !== null && !/^\d{1,15}$/.test(since)) {
    throw new GatewayError('invalid', 'since must be the number of a version')
  }
  return { proxyName, epoch, since: since === null ? null : Number(since) }
}
