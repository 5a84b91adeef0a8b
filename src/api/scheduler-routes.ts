import type { FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify'
import * as z from 'zod'
import type { Heartbeat } from '../clusters/index.ts'
import { GatewayError } from '../core/index.ts'
import { clientOf } from './client.ts'
import { jsonBody } from './json-body.ts'
import { audit, clusterNameOf, type RouteContext, requireUser, sendJson } from './route-context.ts'

// `closed_workers` only grows while a cluster lives.
const heartbeatLimitBytes = 64 * 1024 * 1024

// Not by zod's own means: of a list of millions of wrong ones it would describe each, until there is no memory left.
const workerNames = z.custom<readonly string[]>(
  (value) =>
    Array.isArray(value) &&
    value.every((each) => typeof each === 'string' && each.length >= 1 && each.length <= 256),
  'expected a list of names of 1 to 256 characters',
)

/** A scheduler sends one at a time; one that was given up may still be on its way. */
const heartbeatsAtOnce = 2

/** A call of an application master tells of each worker that lives, and of an end or a piece of a log. */
const callLimitBytes = 4 * 1024 * 1024
/** One waits, one brings news, and each may have been given up by the other side. */
const callsAtOnce = 4

/** The wire shape of wire-protocol.md, section 5.1. Members that a later plug-in may add are passed over. */
const heartbeatBody = z.object({
  scheduler_address: z.string().min(1).max(1024),
  dashboard_address: z.string().max(1024),
  api_address: z.string().min(1).max(1024),
  count: z.int().min(0),
  active_workers: workerNames,
  closing_workers: workerNames,
  closed_workers: workerNames,
})

/** The routes of a cluster's own scheduler and of what the backend starts beside it, which prove themselves by tokens. */
export function addSchedulerRoutes(context: RouteContext): void {
  const { app, service } = context

  app.route({
    method: 'POST',
    url: '/api/v1/clusters/:name/heartbeat',
    bodyLimit: heartbeatLimitBytes,
    onRequest: onlyWith(service.knowsToken, heartbeatsAtOnce),
    handler: async (request, reply) => {
      const source = clientOf(request.raw).address
      const token = clusterTokenOf(request) ?? ''
      try {
        await service.heartbeat(clusterNameOf(request), token, heartbeatOf(request.body), source)
      } catch (error) {
        if (error instanceof GatewayError && error.code === 'unauthenticated') refuseToken(reply)
        throw error
      }
      return reply.send()
    },
  })

  app.route({
    method: 'POST',
    url: '/api/v1/clusters/:name/am',
    bodyLimit: callLimitBytes,
    onRequest: onlyWith(service.knowsCaller, callsAtOnce),
    handler: async (request, reply) => {
      const gone = new AbortController()
      reply.raw.once('close', () => gone.abort())
      const signal = AbortSignal.any([context.stopping, gone.signal])
      const [name, token] = [clusterNameOf(request), clusterTokenOf(request) ?? '']
      return sendJson(reply, await service.callHome(name, token, jsonBody(request.body), signal))
    },
  })

  app.route({
    method: 'DELETE',
    url: '/api/v1/clusters/:name',
    handler: async (request, reply) => {
      const name = clusterNameOf(request)
      const token = clusterTokenOf(request)
      if (token !== null && (await service.stopByToken(name, token))) {
        return sendJson(reply, undefined)
      }
      await stopAsUser(context, name, request, reply)
      return sendJson(reply, undefined)
    },
  })
}

/** Checks the token before the first byte of a large body is read; `atOnce`: how many such requests of one cluster may be under way. */
function onlyWith(
  knows: (name: string, token: string) => boolean,
  atOnce: number,
): onRequestHookHandler {
  const underWay = new Map<string, number>()
  return (request, reply, done) => {
    const token = clusterTokenOf(request)
    const name = clusterNameOf(request)
    if (token === null || !knows(name, token)) {
      refuseToken(reply)
      return done(new GatewayError('unauthenticated', 'Authentication required'))
    }
    const count = underWay.get(name) ?? 0
    if (count >= atOnce) {
      return done(new GatewayError('unavailable', 'Other messages of this cluster come in'))
    }
    underWay.set(name, count + 1)
    reply.raw.once('close', () => {
      const left = (underWay.get(name) ?? 1) - 1
      if (left > 0) underWay.set(name, left)
      else underWay.delete(name)
    })
    done()
  }
}

async function stopAsUser(
  context: RouteContext,
  name: string,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  await requireUser(context, request, reply, 'manage')
  const caller = request.caller
  if (caller === null) throw new GatewayError('internal', 'A request without a caller.')
  await context.service.stop(caller.user, name)
  audit(context, { action: 'stop', cluster: name }, caller.user, request)
}

function refuseToken(reply: FastifyReply): void {
  reply.header('www-authenticate', 'token')
}

function clusterTokenOf(request: FastifyRequest): string | null {
  return /^token (\S+)$/.exec(request.headers.authorization ?? '')?.[1] ?? null
}

function heartbeatOf(body: unknown): Heartbeat {
  const result = heartbeatBody.safeParse(jsonBody(body))
  if (result.success) {
    const { data } = result
    return {
      schedulerAddress: data.scheduler_address,
      dashboardAddress: data.dashboard_address,
      apiAddress: data.api_address,
      count: data.count,
      activeWorkers: data.active_workers,
      closingWorkers: data.closing_workers,
      closedWorkers: data.closed_workers,
    }
  }
  const [issue] = result.error.issues
  const where = issue === undefined || issue.path.length === 0 ? 'body' : issue.path.join('.')
  throw new GatewayError('invalid', `The heartbeat's ${where} is wrong: ${issue?.message}`)
}
