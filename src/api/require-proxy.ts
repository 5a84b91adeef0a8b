import type { FastifyReply, FastifyRequest } from 'fastify'
import { GatewayError } from '../core/index.ts'
import { sameSecret } from '../util/index.ts'
import { clientOf } from './client.ts'

/** A hook of routes that are for those who have the proxy's token, on the private address only. */
export function requireProxy(proxyToken: string) {
  return (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void) => {
    if (clientOf(request.raw).public) {
      return done(new GatewayError('not-found', 'There is nothing at this path'))
    }
    const token = /^token (.+)$/.exec(request.headers.authorization ?? '')?.[1]
    if (token !== undefined && sameSecret(token, proxyToken)) return done()
    reply.header('www-authenticate', 'token')
    done(new GatewayError('unauthenticated', 'The routes are for proxies that have the token'))
  }
}
