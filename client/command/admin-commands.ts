import { type AuditEvent, type ClusterStatus, GatewayError } from '../src/index.ts'
import { countOf } from './cluster-commands.ts'
import { clusterNamed } from './cluster-names.ts'
import { type Command, type Context, isSet, textOf } from './context.ts'
import { UsageError } from './exit-codes.ts'
import { followOptions, printLog } from './follow-output.ts'
import { followOption, logOptions, logQuery, printWhole } from './look-commands.ts'
import { clusterHeadings, clusterRow, sizeOf, timeOf } from './words.ts'

const statuses: readonly ClusterStatus[] = ['PENDING', 'RUNNING', 'STOPPING', 'STOPPED', 'FAILED']

export const adminCommands: readonly Command[] = [
  {
    name: 'admin ls',
    operands: [],
    summary: "everybody's clusters",
    options: {
      user: { type: 'string', short: 'u', value: 'NAME', help: 'only of this user' },
      status: {
        type: 'string',
        short: 's',
        value: 'STATUS,…',
        help: 'only with these statuses; "all": ended ones too',
      },
      search: {
        type: 'string',
        value: 'TEXT',
        help: 'only with this in the name, the user or the reason',
      },
      limit: { type: 'string', short: 'n', value: 'COUNT', help: 'at most so many (100)' },
    },
    run: list,
  },
  {
    name: 'admin stop',
    operands: ['CLUSTER…'],
    summary: "end anybody's clusters",
    options: {},
    async run({ gateway, operands, output, signal }) {
      const client = await gateway()
      const names: string[] = []
      for (const given of operands) names.push(await clusterNamed(client, given, 'any', signal))
      for (const name of names) await client.admin.stop(name, { signal })
      if (output.isJson) output.json({ stopped: names })
      return undefined
    },
  },
  {
    name: 'admin logs',
    operands: ['CLUSTER'],
    summary: "the end of a log of anybody's cluster",
    options: logOptions,
    async run(context) {
      const { gateway, operands, values, output, signal } = context
      const client = await gateway()
      const name = await clusterNamed(client, operands[0] ?? '', 'any', signal)
      const query = logQuery(context)
      if (isSet(values, 'follow'))
        await printLog(output, client.admin.followLogs(name, query, followOptions(context)))
      else printWhole(context, await client.admin.logs(name, query, { signal }))
      return undefined
    },
  },
  {
    name: 'admin drain',
    operands: [],
    summary: 'take no new clusters; those that exist go on',
    options: {
      message: { type: 'string', short: 'm', value: 'TEXT', help: 'why, for users' },
      off: { type: 'boolean', help: 'take new clusters again' },
      status: { type: 'boolean', help: 'only tell' },
    },
    run: drain,
  },
  {
    name: 'admin events',
    operands: [],
    summary: 'who did what',
    options: {
      follow: followOption,
      user: { type: 'string', short: 'u', value: 'NAME', help: 'only of this user' },
      limit: { type: 'string', short: 'n', value: 'COUNT', help: 'at most so many (100)' },
    },
    run: events,
  },
  {
    name: 'admin health',
    operands: [],
    summary: 'how backend, store and proxy are; fails when they are not well',
    options: {},
    run: health,
  },
]

async function list({ gateway, values, output, signal }: Context): Promise<undefined> {
  const status = textOf(values, 'status')
  const query = {
    user: textOf(values, 'user'),
    search: textOf(values, 'search'),
    status: statusesOf(status),
    limit: limitOf(values.limit),
  }
  const { clusters, total, cursor } = await (await gateway()).admin.clusters(query, { signal })
  if (output.isJson) output.json({ clusters, total })
  else
    output.table(
      ['USER', ...clusterHeadings],
      clusters.map((each) => [each.username, ...clusterRow(each)]),
    )
  if (cursor !== null) output.notice(`These are the newest ${clusters.length} of ${total}`)
  return undefined
}

function statusesOf(given: string | undefined): readonly ClusterStatus[] | undefined {
  if (given === undefined) return ['PENDING', 'RUNNING', 'STOPPING']
  if (given === 'all') return undefined
  return given.split(',').map((word) => {
    const status = statuses.find((each) => each === word.toUpperCase())
    if (status !== undefined) return status
    throw new UsageError(`--status: "${word}" is none of ${statuses.join(', ')}`)
  })
}

function limitOf(value: unknown): number | undefined {
  return typeof value === 'string' ? countOf('--limit', value) : undefined
}

async function drain({ gateway, values, output, signal }: Context): Promise<undefined> {
  const { admin } = await gateway()
  const isOff = isSet(values, 'off')
  const now = isSet(values, 'status')
    ? await admin.drain({ signal })
    : await admin.setDrain(!isOff, isOff ? '' : (textOf(values, 'message') ?? ''), { signal })
  if (output.isJson) output.json(now)
  else if (!now.draining) output.line('New clusters are taken')
  else {
    const why = now.message ? `: ${now.message}` : ''
    output.line(`No new clusters since ${timeOf(now.since ?? 0)}, by ${now.by ?? ''}${why}`)
  }
  return undefined
}

async function events(context: Context): Promise<undefined> {
  const { gateway, values, output, signal } = context
  const { admin } = await gateway()
  const query = { user: textOf(values, 'user'), limit: limitOf(values.limit) }
  const print = (event: AuditEvent) => {
    if (output.isJson) return output.jsonLine(event)
    const whose = event.owner === null || event.owner === event.user ? '' : ` of ${event.owner}`
    const what = `${event.action}${event.cluster === null ? '' : ` ${event.cluster}${whose}`}`
    output.line(
      `${timeOf(event.time)}  ${event.user}  ${what}  ${event.address}  ${event.message}`.trimEnd(),
    )
  }
  if (isSet(values, 'follow'))
    for await (const event of admin.followEvents(query, followOptions(context))) print(event)
  else {
    const found = await admin.events(query, { signal })
    if (output.isJson) output.json(found)
    else for (const event of found.toReversed()) print(event)
  }
  return undefined
}

async function health({ gateway, output, signal }: Context): Promise<undefined> {
  const found = await (await gateway()).admin.health({ signal })
  if (output.isJson) output.json(found)
  else {
    output.table(['WHAT', 'STATE'], Object.entries(found.checks))
    const proxies = found.proxies.map(({ name }) => name).join(', ') || 'none'
    output.line(
      `${found.backend}, version ${found.version}, since ${timeOf(found.start_time)}, ${sizeOf(found.memory)}, ${found.streams} streams, proxies: ${proxies}`,
    )
    output.line(`${found.clusters.running} clusters and ${found.workers.running} workers run`)
  }
  if (found.status === 'pass') return undefined
  throw new GatewayError('unavailable', 'Something is not well')
}
