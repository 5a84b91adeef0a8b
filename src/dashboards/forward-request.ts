import type { Agent, IncomingMessage, ServerResponse } from 'node:http'
import { GatewayError } from '../core/index.ts'
import { refuse } from './reply.ts'
import { copyHead, openRequest, problemOf, type Upstream, type UpstreamLimits } from './upstream.ts'

/** Sends a request on, streams both ways, and answers 502 or 504 when the dashboard does not. */
export function forwardRequest(
  request: IncomingMessage,
  response: ServerResponse,
  upstream: Upstream,
  agent: Agent | false,
  limits: UpstreamLimits,
): void {
  const outgoing = openRequest(request.method ?? 'GET', upstream, agent, limits)
  const fail = (error: unknown) => {
    outgoing.destroy()
    if (response.headersSent || response.destroyed) return response.destroy()
    const status = error instanceof GatewayError ? 504 : 502
    const sentence = `The dashboard of this cluster does not answer: ${problemOf(error)}. Look at the scheduler's log.`
    refuse(request, response, status, sentence)
  }
  outgoing.on('error', (error) => {
    // A connection kept from an earlier request had been closed over there: nothing was heard, so ask again.
    const isStale = outgoing.reusedSocket && isRepeatable(request) && !response.destroyed
    if (isStale && !response.headersSent && !(error instanceof GatewayError))
      forwardRequest(request, response, upstream, false, limits)
    else fail(error)
  })
  outgoing.on('response', (incoming) => {
    try {
      copyHead(incoming, response, upstream)
    } catch (error) {
      return fail(error)
    }
    // Cut short on either side, the other is cut too: half a body must not look like a whole one. Not `pipeline`, which
    // would make an error object for each answer, and end the connection that is kept for the next.
    incoming.on('error', () => response.destroy())
    incoming.once('close', () => {
      if (!incoming.complete) response.destroy()
    })
    copyBody(incoming, response)
  })
  outgoing.on('upgrade', (_incoming, wire) => {
    wire.destroy()
    fail(new Error('it changed to another protocol'))
  })
  response.once('close', () => {
    if (!response.writableFinished) outgoing.destroy()
  })
  // Not `pipeline`: an answer may come before the body is read, and must not cost the client its connection.
  if (hasBody(request)) request.pipe(outgoing)
  else outgoing.end()
}

/** As `pipe`, of which each answer would pay for a dozen listeners. */
function copyBody(incoming: IncomingMessage, response: ServerResponse): void {
  incoming.on('data', (bytes: Buffer) => {
    if (response.write(bytes)) return
    incoming.pause()
    response.once('drain', () => incoming.resume())
  })
  incoming.once('end', () => response.end())
}

function hasBody(request: IncomingMessage): boolean {
  const { 'transfer-encoding': encoding, 'content-length': length } = request.headers
  return encoding !== undefined || (length !== undefined && length !== '0')
}

function isRepeatable(request: IncomingMessage): boolean {
  return !hasBody(request) && ['GET', 'HEAD', 'OPTIONS'].includes(request.method ?? '')
}
