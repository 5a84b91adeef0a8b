import { shownStatuses } from '../clusters/index.ts'
import { quotaScopes, tokenScopes, usageKeys } from '../core/index.ts'

const text = { type: 'string' }
const textOrNull = { type: ['string', 'null'] }
const time = { type: 'integer', minimum: 0 }
const timeOrNull = { type: ['integer', 'null'], minimum: 0 }
const count = { type: 'integer', minimum: 0 }
const countOrNull = { type: ['integer', 'null'], minimum: 0 }
const names = { type: 'array', items: text }

/** An object with exactly these members, all of them there. */
function exactly(properties: { readonly [name: string]: object }) {
  return {
    type: 'object',
    properties,
    required: Object.keys(properties),
    additionalProperties: false,
  }
}

function listOf(name: string, schema: string) {
  return exactly({ [name]: { type: 'array', items: { $ref: `#/components/schemas/${schema}` } } })
}

const errorCodes = [
  'unauthenticated',
  'forbidden',
  'not-found',
  'conflict',
  'invalid',
  'too-large',
  'upstream',
  'unavailable',
  'internal',
]
const number = { type: 'number', minimum: 0 }
const numberOrNull = { type: ['number', 'null'], minimum: 0 }
const counts = {
  created: count,
  submitted: count,
  running: count,
  closing: count,
  stopped: count,
  failed: count,
}
const ref = (schema: string) => ({ $ref: `#/components/schemas/${schema}` })

const accessToken = {
  id: text,
  name: text,
  username: text,
  scope: { enum: tokenScopes },
  created_at: time,
  expires_at: timeOrNull,
  last_used_at: timeOrNull,
}

const quotaAmount = exactly({ limit: numberOrNull, used: number, source: textOrNull })
const quotaLimits = {
  clusters: countOrNull,
  workers: countOrNull,
  cores: numberOrNull,
  memory: {
    type: ['number', 'string', 'null'],
    minimum: 0,
    description: 'Bytes, or a number with K, M, G or T.',
  },
}

/** The shapes of requests and answers. */
export const schemas = {
  Error: exactly({ error: text, code: { enum: errorCodes } }),
  Health: exactly({ status: { enum: ['pass', 'fail'] } }),
  Readiness: {
    type: 'object',
    properties: {
      status: { enum: ['pass', 'fail'] },
      checks: { type: 'object', additionalProperties: text },
    },
    required: ['status'],
    additionalProperties: false,
  },
  Version: exactly({ version: text }),
  Options: listOf('cluster_options', 'OptionField'),
  OptionField: exactly({ field: text, label: text, default: {}, spec: { type: 'object' } }),
  Cluster: exactly({
    name: text,
    dashboard_route: textOrNull,
    status: { enum: shownStatuses },
    start_time: time,
    stop_time: timeOrNull,
    options: { type: 'object' },
    tls_cert: textOrNull,
    tls_key: textOrNull,
  }),
  ClusterList: {
    type: 'object',
    additionalProperties: { $ref: '#/components/schemas/Cluster' },
  },
  NewCluster: {
    type: 'object',
    properties: { cluster_options: { type: ['object', 'null'] } },
  },
  ClusterName: exactly({ name: text }),
  Scale: { type: 'object', properties: { count }, required: ['count'] },
  Adapt: {
    type: 'object',
    properties: { minimum: countOrNull, maximum: countOrNull, active: { type: 'boolean' } },
  },
  ScaleResult: exactly({ ok: { type: 'boolean' }, msg: textOrNull }),
  Events: listOf('events', 'Event'),
  Event: exactly({
    id: { type: 'integer', minimum: 1 },
    time,
    kind: text,
    message: text,
    worker: textOrNull,
    details: { type: 'object' },
  }),
  Workers: listOf('workers', 'Worker'),
  Worker: exactly({
    name: text,
    status: { enum: ['created', 'submitted', 'running', 'closing', 'stopped', 'failed'] },
    start_time: time,
    stop_time: timeOrNull,
    reason: textOrNull,
  }),
  LogPiece: exactly({ from: count, text }),
  User: exactly({
    name: text,
    groups: names,
    admin: { type: 'boolean' },
    challenge: text,
    session: {
      anyOf: [exactly({ kind: { enum: ['header', 'login'] }, expires_at: time }), { type: 'null' }],
    },
    token: { anyOf: [ref('AccessToken'), { type: 'null' }] },
  }),
  ClusterInfo: exactly({
    name: text,
    username: text,
    status: { enum: shownStatuses },
    pending_reason: textOrNull,
    reason: textOrNull,
    start_time: time,
    stop_time: timeOrNull,
    ends_at: timeOrNull,
    end_reason: textOrNull,
    clients: countOrNull,
    options: { type: 'object' },
    workers: exactly({ wanted: count, ...counts }),
    adaptive: {
      anyOf: [exactly({ minimum: countOrNull, maximum: countOrNull }), { type: 'null' }],
    },
    cores: number,
    memory: number,
    worker_cores: number,
    worker_memory: number,
    max_workers: numberOrNull,
    dashboard_route: textOrNull,
  }),
  ClusterPage: exactly({
    clusters: { type: 'array', items: ref('ClusterInfo') },
    total: count,
    cursor: textOrNull,
  }),
  AccessToken: exactly(accessToken),
  AccessTokens: listOf('tokens', 'AccessToken'),
  NewAccessToken: {
    type: 'object',
    properties: {
      name: { type: 'string', minLength: 1, maxLength: 100 },
      scope: { enum: tokenScopes },
      expires_in: {
        type: ['number', 'null'],
        description:
          'Seconds; null: never; without: 90 days, or less where the gateway allows less.',
      },
    },
    required: ['name', 'scope'],
  },
  CreatedAccessToken: exactly({ ...accessToken, secret: text }),
  Quota: exactly({
    scope: { enum: quotaScopes },
    name: text,
    clusters: quotaAmount,
    workers: quotaAmount,
    cores: quotaAmount,
    memory: quotaAmount,
    override: {
      anyOf: [
        exactly({ limits: ref('QuotaLimits'), set_by: text, set_at: time }),
        { type: 'null' },
      ],
    },
    notice: textOrNull,
  }),
  Quotas: exactly({
    over: { enum: ['refuse', 'queue'] },
    quotas: { type: 'array', items: ref('Quota') },
  }),
  QuotaLimits: {
    type: 'object',
    properties: quotaLimits,
    additionalProperties: false,
    description: 'null: without limit; without: as the configuration has it.',
  },
  Usage: exactly({
    from: text,
    to: text,
    by: { type: 'array', items: { enum: usageKeys } },
    usage: { type: 'array', items: ref('UsageSum') },
  }),
  UsageSum: exactly({
    day: textOrNull,
    month: textOrNull,
    user: textOrNull,
    group: textOrNull,
    label: textOrNull,
    cluster_seconds: number,
    worker_seconds: number,
    core_seconds: number,
    memory_byte_seconds: number,
  }),
  AuditEvents: listOf('events', 'AuditEvent'),
  AuditEvent: exactly({
    id: { type: 'integer', minimum: 1 },
    time,
    user: text,
    action: text,
    cluster: textOrNull,
    owner: textOrNull,
    address: text,
    message: text,
  }),
  NewDrain: {
    type: 'object',
    properties: { draining: { type: 'boolean' }, message: { type: 'string', maxLength: 500 } },
    required: ['draining'],
  },
  Drain: exactly({
    draining: { type: 'boolean' },
    since: timeOrNull,
    by: textOrNull,
    message: textOrNull,
  }),
  AdminHealth: exactly({
    status: { enum: ['pass', 'fail'] },
    checks: { type: 'object', additionalProperties: text },
    version: text,
    backend: text,
    start_time: time,
    memory: count,
    streams: count,
    draining: { type: 'boolean' },
    proxies: { type: 'array', items: exactly({ name: text, routes: count }) },
    clusters: exactly(counts),
    workers: exactly(counts),
  }),
  BackendMessage: {
    type: 'object',
    description:
      'Between a backend and its own program beside a scheduler; it may differ with each version.',
  },
  Heartbeat: {
    type: 'object',
    properties: {
      scheduler_address: text,
      dashboard_address: text,
      api_address: text,
      count,
      active_workers: names,
      closing_workers: names,
      closed_workers: names,
    },
    required: [
      'scheduler_address',
      'dashboard_address',
      'api_address',
      'count',
      'active_workers',
      'closing_workers',
      'closed_workers',
    ],
  },
} as const
