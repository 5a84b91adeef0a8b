import type { FastifyRequest } from 'fastify'
import { clientOf } from './client.ts'

/** Where this request's browser reaches us: scheme, host and prefix. */
export function addressOf(request: FastifyRequest, prefix: string): string {
  const { host = '' } = request.headers
  const scheme = clientOf(request.raw).secure ? 'https' : 'http'
  return `${scheme}://${isHost(host) ? host : 'HOST:PORT'}${prefix}`
}

/** A name or address with or without a port, and nothing that could mean something else in a URL. */
export function isHost(host: string): boolean {
  return /^(?:[A-Za-z0-9._-]{1,253}|\[[0-9a-fA-F:.]{2,45}\])(?::\d{1,5})?$/.test(host)
}
