import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ClusterService } from '../clusters/index.ts'
import {
  type ClusterOptions,
  GatewayError,
  includesScope,
  type Logger,
  type TokenScope,
  type User,
} from '../core/index.ts'
import type { AuditTrail } from './audit-trail.ts'
import type { Authentication, Caller } from './authentication.ts'
import { clientOf } from './client.ts'
import { type DashboardRoute, plainDashboardRoute } from './cluster-report.ts'
import { setCookie } from './cookies.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who sent it; null: not asked, or a program with a token of its own. */
    caller: Caller | null
  }
}

/** What the routes work with. */
export interface RouteContext {
  readonly app: FastifyInstance
  readonly service: ClusterService
  readonly clusterOptions: Pick<ClusterOptions, 'fieldsFor'>
  readonly authentication: Authentication
  readonly dashboardRoute: DashboardRoute
  readonly prefix: string
  readonly logger: Logger
  readonly trail: AuditTrail
  /** Aborts when the server stops: long answers end then. */
  readonly stopping: AbortSignal
}

/** What a route answers: text that is JSON already, or a value to be written as JSON; undefined: nothing (204). */
export type UserHandler = (
  user: User,
  request: FastifyRequest,
  reply: FastifyReply,
) => Promise<unknown> | unknown

/** A JSON text that is sent as it is. */
export class JsonText {
  readonly text: string | Buffer
  constructor(text: string | Buffer) {
    this.text = text
  }
}

/**
 * Declares a route for users: who it is is known before the body is read, and a caller who came by a header gets a
 * session with the first successful answer (wire-protocol.md, section 3). `scope`: what an access token needs.
 */
export function userRoute(
  context: RouteContext,
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  url: string,
  handler: UserHandler,
  scope: TokenScope = method === 'GET' ? 'read' : 'manage',
): void {
  context.app.route({
    method,
    url,
    onRequest: (request, reply, done) => {
      void requireUser(context, request, reply, scope).then(() => done(), done)
    },
    handler: async (request, reply) => {
      // requireUser has set it, or there had been an error.
      const caller = request.caller as Caller
      const answer = await handler(caller.user, request, reply)
      // A stream has begun to answer by itself.
      if (caller.by === 'header' && !reply.sent) await beginSession(context, caller, request, reply)
      return sendJson(reply, answer)
    },
  })
}

/** As `userRoute`, for administrators only. */
export function adminRoute(
  context: RouteContext,
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  url: string,
  handler: UserHandler,
): void {
  const forAdmins: UserHandler = (user, request, reply) => {
    if (user.admin) return handler(user, request, reply)
    throw new GatewayError('forbidden', `User ${user.name} is no administrator`)
  }
  userRoute(context, method, url, forAdmins, 'admin')
}

/** Finds out who the caller is; throws 'unauthenticated', and sets what the 401 must carry; 'forbidden': their token's scope is less. */
export async function requireUser(
  context: RouteContext,
  request: FastifyRequest,
  reply: FastifyReply,
  scope: TokenScope,
): Promise<void> {
  try {
    const caller = await context.authentication.callerOf(request.raw, scope)
    // On whatever follows: a client of Kerberos that finds no proof on an answer, error or not, believes none of it.
    reply.headers(caller.replyHeaders)
    request.caller = caller
  } catch (error) {
    // To a page's script a browser would answer it with a window that asks for a password.
    if (request.headers['x-requested-with'] === undefined)
      reply.header('www-authenticate', context.authentication.authenticator.challenge)
    throw error
  }
}

async function beginSession(
  context: RouteContext,
  caller: Caller,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const { sessions } = context.authentication
  const { value, maxAgeSeconds } = await sessions.create(caller.proved, 'header')
  reply.header(
    'set-cookie',
    setCookie(sessions.cookieName, value, {
      maxAgeSeconds,
      path: `${context.prefix}/`,
      secure: clientOf(request.raw).secure,
    }),
  )
}

/** Sends a value as JSON. What users see of clusters belongs in no cache and is no page. */
export function sendJson(reply: FastifyReply, answer: unknown): FastifyReply {
  if (reply.sent) return reply
  reply.header('cache-control', 'no-store').header('x-content-type-options', 'nosniff')
  if (answer === undefined) return reply.code(204).send()
  return reply
    .header('content-type', 'application/json; charset=utf-8')
    .send(answer instanceof JsonText ? answer.text : JSON.stringify(answer))
}

/** What leads to dashboards; a key for one, which `link` puts there, is not for who may only read. */
export function dashboardRouteFor(
  context: RouteContext,
  { caller }: FastifyRequest,
): DashboardRoute {
  const scope = caller?.token?.scope ?? 'admin'
  return includesScope(scope, 'manage') ? context.dashboardRoute : plainDashboardRoute
}

/** Records what the request's caller has done. */
export function audit(
  { trail }: Pick<RouteContext, 'trail'>,
  what: {
    readonly action: string
    readonly cluster?: string
    /** Without: the caller's own. */
    readonly owner?: string
    readonly message?: string
  },
  user: User,
  request: FastifyRequest,
): void {
  const { action, cluster = null, owner = user.name, message = '' } = what
  const { address } = clientOf(request.raw)
  const whose = cluster === null ? null : owner
  const token = request.caller?.token ?? null
  const how = token === null ? '' : `by token ${token.id}`
  const words = [message, how].filter((each) => each !== '').join('; ')
  trail.record(
    { user: user.name, action, cluster, owner: whose, address, message: words },
    { requestId: request.id },
  )
}

/** A path's parameter. The router matched it, so it is there. */
export function clusterNameOf(request: FastifyRequest): string {
  return (request.params as { readonly name: string }).name
}

/** A query parameter; the first of several of one name; null: absent. */
export function queryOf(request: FastifyRequest, name: string): string | null {
  const value = (request.query as { readonly [key: string]: string | string[] | undefined })[name]
  return (Array.isArray(value) ? value[0] : value) ?? null
}
