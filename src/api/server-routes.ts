import { GatewayError } from '../core/index.ts'
import { clientOf } from './client.ts'
import type { Metrics } from './metrics.ts'
import { openApiDocument } from './openapi.ts'
import type { Readiness } from './readiness.ts'
import { JsonText, type RouteContext, requireUser, sendJson } from './route-context.ts'

/** What tells about the server itself: health, version, readiness, figures and the description of the API. */
export function addServerRoutes(
  context: RouteContext,
  options: {
    readonly version: string
    readonly readiness: () => Promise<Readiness>
    readonly metrics: Metrics
    readonly metricsPublic: boolean
  },
): void {
  const { app } = context
  const document = new JsonText(JSON.stringify(openApiDocument(options.version, context.prefix)))

  app.get('/api/version', (_request, reply) => sendJson(reply, { version: options.version }))
  app.get('/api/v1/openapi.json', (_request, reply) => sendJson(reply, document))
  app.get('/livez', (_request, reply) => sendJson(reply, { status: 'pass' }))

  app.get('/api/health', async (_request, reply) => {
    const { status } = await options.readiness()
    return sendJson(reply.code(status === 'pass' ? 200 : 503), { status })
  })

  app.get('/readyz', async (request, reply) => {
    const { status: found, checks } = await options.readiness()
    const status = context.stopping.aborted ? 'fail' : found
    reply.code(status === 'pass' ? 200 : 503)
    // The reasons name files and hosts of the site.
    return sendJson(reply, clientOf(request.raw).public ? { status } : { status, checks })
  })

  app.get('/metrics', async (request, reply) => {
    if (clientOf(request.raw).public && !options.metricsPublic) {
      await requireUser(context, request, reply, 'admin')
      if (request.caller?.user.admin !== true) {
        throw new GatewayError('forbidden', 'The metrics are for administrators')
      }
    }
    return reply
      .header('content-type', options.metrics.contentType)
      .send(await options.metrics.text())
  })
}
