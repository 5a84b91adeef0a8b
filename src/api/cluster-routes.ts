import { GatewayError, type OptionField } from '../core/index.ts'
import { createReportWriter, plainDashboardRoute } from './cluster-report.ts'
import { jsonObject } from './json-body.ts'
import { isFlagSet, statusesNamed } from './queries.ts'
import {
  audit,
  clusterNameOf,
  dashboardRouteFor,
  JsonText,
  queryOf,
  type RouteContext,
  type UserHandler,
  userRoute,
} from './route-context.ts'

// How long `?wait` holds an answer (wire-protocol.md, section 4.4).
const waitLimitMs = 20_000

/** The routes that the Python client uses: wire-protocol.md, sections 4.2 to 4.4. */
export function addClusterRoutes(context: RouteContext): void {
  const { service } = context
  const reports = createReportWriter(context.dashboardRoute)
  const reportsToRead = createReportWriter(plainDashboardRoute)
  const optionTexts = new WeakMap<readonly OptionField[], JsonText>()

  userRoute(context, 'GET', '/api/v1/options', async (user) => {
    const fields = await context.clusterOptions.fieldsFor(user)
    const known = optionTexts.get(fields)
    if (known !== undefined) return known
    const text = new JsonText(JSON.stringify({ cluster_options: fields }))
    optionTexts.set(fields, text)
    return text
  })

  userRoute(context, 'GET', '/api/v1/clusters/', (user, request) => {
    const status = queryOf(request, 'status')
    const views = status === null ? service.list(user) : service.list(user, statusesNamed(status))
    const isOwn = dashboardRouteFor(context, request) === context.dashboardRoute
    return new JsonText((isOwn ? reports : reportsToRead).list(views))
  })

  userRoute(context, 'POST', '/api/v1/clusters/', async (user, request, reply) => {
    const options = jsonObject(request.body).cluster_options
    const cluster = await service.create(user, options ?? {})
    audit(context, { action: 'create', cluster: cluster.name }, user, request)
    reply.code(201)
    return { name: cluster.name }
  })

  const report: UserHandler = async (user, request, reply) => {
    const name = clusterNameOf(request)
    const now = service.get(user, name)
    if (now.shown !== 'PENDING' || !isFlagSet(queryOf(request, 'wait'))) {
      return new JsonText(reports.one(now))
    }
    const gone = new AbortController()
    reply.raw.once('close', () => gone.abort())
    const either = AbortSignal.any([gone.signal, context.stopping])
    const later = await service
      .waitWhilePending(user, name, waitLimitMs, either)
      .catch((error: unknown) => {
        // Stopping, or nobody waits any more: what is known now is the answer.
        if (either.aborted) return service.get(user, name)
        throw error
      })
    return new JsonText(reports.one(later))
  }
  // It carries the key.
  userRoute(context, 'GET', '/api/v1/clusters/:name', report, 'manage')

  userRoute(context, 'POST', '/api/v1/clusters/:name/scale', async (user, request) => {
    const name = clusterNameOf(request)
    service.get(user, name)
    const { count } = jsonObject(request.body)
    if (!isCount(count)) {
      throw new GatewayError(
        'invalid',
        `Scale expects a non-negative integer, got ${pythonText(count)}`,
      )
    }
    audit(context, { action: 'scale', cluster: name }, user, request)
    return scaleReply((await service.scale(user, name, count)).message)
  })

  userRoute(context, 'POST', '/api/v1/clusters/:name/adapt', async (user, request) => {
    const name = clusterNameOf(request)
    service.get(user, name)
    const { minimum = null, maximum = null, active = true } = jsonObject(request.body)
    if (!isCountOrNull(minimum) || !isCountOrNull(maximum) || typeof active !== 'boolean') {
      throw new GatewayError(
        'invalid',
        `Adapt expects non-negative integers or None and a bool, got minimum=${pythonText(minimum)}, maximum=${pythonText(maximum)}, active=${pythonText(active)}`,
      )
    }
    audit(context, { action: 'adapt', cluster: name }, user, request)
    return scaleReply((await service.adapt(user, name, { minimum, maximum, active })).message)
  })
}

function scaleReply(message: string | null) {
  return { ok: message === null, msg: message }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function isCountOrNull(value: unknown): value is number | null {
  return value === null || isCount(value)
}

/** A value as Python's `str` writes it, since the reader of the sentence is a Python user. */
function pythonText(value: unknown): string {
  if (value === undefined || value === null) return 'None'
  if (value === true) return 'True'
  if (value === false) return 'False'
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length > 100 ? `${text.slice(0, 100)}...` : text
}
