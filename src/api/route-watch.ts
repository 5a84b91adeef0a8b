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

  /** What a proxy says of the watch that it has open; `take` says false when there is none. */
  function addReport<Report extends { readonly proxy: string }>(
    path: 'ack' | 'tunnels',
    schema: z.ZodType<Report>,
    wrong: string,
    take: (report: Report) => boolean,
  ): void {
    app.route({
      method: 'POST',
      url: `/api/v1/routes/${path}`,
      onRequest: requireProxy(proxyToken),
      handler: (request, reply) => {
        const body = schema.safeParse(jsonBody(request.body))
        if (!body.success) throw new GatewayError('invalid', wrong)
        if (take(body.data)) return sendJson(reply, undefined)
        throw new GatewayError(
          'conflict',
          `No watch of proxy ${body.data.proxy} in this run is open`,
        )
      },
    })
  }

  addReport(
    'ack',
    acknowledgement,
    'An acknowledgement has proxy, epoch and version',
    ({ proxy, epoch, version }) => routeFeed.acknowledge(proxy, epoch, version),
  )
  addReport(
    'tunnels',
    tunnelReport,
    'A report of tunnels has proxy, epoch and open',
    ({ proxy, epoch, open }) =>
      routeFeed.reportTunnels(proxy, epoch, new Map(Object.entries(open))),
  )

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
