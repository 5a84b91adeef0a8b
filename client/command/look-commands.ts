import type { ClusterInfo } from '../src/index.ts'
import { countOf } from './cluster-commands.ts'
import { clusterNamed } from './cluster-names.ts'
import { type Command, type Context, isSet, textOf } from './context.ts'
import { followOptions, printEvent, printLog } from './follow-output.ts'
import { tableText } from './table.ts'
import { clusterHeadings, clusterRow, sizeOf, timeOf } from './words.ts'

export const followOption = { type: 'boolean', short: 'f', help: 'go on as more comes' } as const
export const logOptions = {
  follow: followOption,
  worker: {
    type: 'string',
    short: 'w',
    value: 'WORKER',
    help: "a worker's log, not the scheduler's",
  },
  tail: { type: 'string', short: 'n', value: 'LINES', help: 'how many lines (200)' },
} as const

export const lookCommands: readonly Command[] = [
  {
    name: 'workers',
    operands: ['CLUSTER'],
    summary: "a cluster's workers",
    options: {},
    run: workers,
  },
  {
    name: 'logs',
    operands: ['CLUSTER'],
    summary: "the end of the scheduler's log, or of a worker's",
    options: logOptions,
    run: logs,
  },
  {
    name: 'events',
    operands: ['CLUSTER'],
    summary: 'what happened to a cluster, and why',
    options: { follow: followOption },
    run: events,
  },
  {
    name: 'top',
    operands: [],
    summary: 'your clusters as they change',
    options: { once: { type: 'boolean', help: 'only now' } },
    run: top,
  },
]

async function workers({ gateway, operands, output, signal }: Context): Promise<undefined> {
  const client = await gateway()
  const name = await clusterNamed(client, operands[0] ?? '', 'own', signal)
  const found = await client.workers(name, { signal })
  if (output.isJson) output.json(found)
  else
    output.table(
      ['WORKER', 'STATUS', 'SINCE', 'REMARK'],
      found.map((each) => [each.name, each.status, timeOf(each.start_time), each.reason ?? '']),
    )
  return undefined
}

async function logs(context: Context): Promise<undefined> {
  const { gateway, operands, values, output, signal } = context
  const query = logQuery(context)
  const client = await gateway()
  const name = await clusterNamed(client, operands[0] ?? '', 'own', signal)
  if (isSet(values, 'follow'))
    await printLog(output, client.followLogs(name, query, followOptions(context)))
  else printWhole(context, await client.logs(name, query, { signal }))
  return undefined
}

export function logQuery({ values }: Pick<Context, 'values'>) {
  const tail = textOf(values, 'tail')
  return {
    worker: textOf(values, 'worker'),
    tail: tail === undefined ? undefined : countOf('--tail', tail),
  }
}

export function printWhole({ output }: Context, text: string): void {
  if (output.isJson) output.json({ text })
  else output.text(text === '' || text.endsWith('\n') ? text : `${text}\n`)
}

async function events(context: Context): Promise<undefined> {
  const { gateway, operands, values, output, signal } = context
  const client = await gateway()
  const name = await clusterNamed(client, operands[0] ?? '', 'own', signal)
  if (isSet(values, 'follow')) {
    for await (const event of client.followEvents(name, 0, followOptions(context)))
      printEvent(output, event)
    return undefined
  }
  const found = await client.events(name, {}, { signal })
  if (output.isJson) output.json(found)
  else for (const event of found) printEvent(output, event)
  return undefined
}

const redrawMs = 1000

async function top(context: Context): Promise<undefined> {
  const { gateway, values, output } = context
  const client = await gateway()
  const clusters = new Map<string, ClusterInfo>()
  const once = isSet(values, 'once') || !(output.isTerminal || output.isJson)
  const draw = () => {
    const all = [...clusters.values()].sort((a, b) => b.start_time - a.start_time)
    if (output.isJson) output.jsonLine(all)
    else if (once) output.table(clusterHeadings, all.map(clusterRow))
    else output.screen(screenOf(client.address, all))
  }
  // Ages grow while nothing happens.
  const timer = once || output.isJson ? null : setInterval(draw, redrawMs)
  try {
    for await (const change of client.watch(followOptions(context))) {
      if (change.type === 'snapshot') {
        clusters.clear()
        for (const cluster of change.clusters) clusters.set(cluster.name, cluster)
      } else if (change.type === 'cluster') clusters.set(change.cluster.name, change.cluster)
      else clusters.delete(change.name)
      draw()
      if (once) return undefined
    }
  } finally {
    if (timer !== null) clearInterval(timer)
  }
  return undefined
}

function screenOf(address: string, clusters: readonly ClusterInfo[]): string {
  const sum = (of: (cluster: ClusterInfo) => number) =>
    clusters.reduce((total, cluster) => total + of(cluster), 0)
  const running = clusters.filter(({ status }) => status === 'RUNNING').length
  const workers = sum((cluster) => cluster.workers.running)
  const totals = `${running} running of ${clusters.length}, ${workers} workers, ${sum(({ cores }) => cores)} cores, ${sizeOf(sum(({ memory }) => memory))}`
  const width = process.stdout.columns || 80
  return `${address}  ${totals}  (Ctrl-C ends)\n\n${tableText(clusterHeadings, clusters.map(clusterRow), width)}`
}
