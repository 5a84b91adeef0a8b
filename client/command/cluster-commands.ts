import { type ClusterInfo, GatewayError, type ScaleResult } from '../src/index.ts'
import { chosenOptions } from './chosen-options.ts'
import { clusterNamed } from './cluster-names.ts'
import { type Command, type Context, isSet, textOf } from './context.ts'
import { exitCodes, UsageError } from './exit-codes.ts'
import { followOptions } from './follow-output.ts'
import { openBrowser } from './open-browser.ts'
import { boundsOf, clusterHeadings, clusterRow, remarkOf } from './words.ts'

const living = ['PENDING', 'RUNNING', 'STOPPING'] as const

export const clusterCommands: readonly Command[] = [
  {
    name: 'options',
    operands: [],
    summary: 'what may be chosen for a cluster',
    options: {},
    run: options,
  },
  {
    name: 'create',
    operands: [],
    summary: 'begin a cluster and wait until it runs',
    options: {
      option: {
        type: 'string',
        short: 'o',
        multiple: true,
        value: 'FIELD=VALUE',
        help: 'choose an option; may be given again',
      },
      workers: {
        type: 'string',
        short: 'n',
        value: 'COUNT',
        help: 'have this many workers as soon as it runs',
      },
      'no-wait': { type: 'boolean', help: 'do not wait' },
    },
    run: create,
  },
  {
    name: 'ls',
    operands: [],
    summary: 'your clusters',
    options: { all: { type: 'boolean', short: 'a', help: 'ended ones too' } },
    run: list,
  },
  {
    name: 'scale',
    operands: ['CLUSTER', 'COUNT'],
    summary: 'have this many workers',
    options: {},
    async run(context) {
      const { gateway, operands, signal } = context
      const client = await gateway()
      const count = countOf('COUNT', operands[1] ?? '')
      const name = await clusterNamed(client, operands[0] ?? '', 'own', signal)
      return tellScale(context, name, await client.scale(name, count, { signal }))
    },
  },
  {
    name: 'adapt',
    operands: ['CLUSTER'],
    summary: 'let the scheduler choose the number of workers',
    options: {
      minimum: { type: 'string', value: 'COUNT', help: 'at least so many' },
      maximum: { type: 'string', value: 'COUNT', help: 'at most so many' },
      off: { type: 'boolean', help: 'keep the workers that there are' },
    },
    run: adapt,
  },
  {
    name: 'dashboard',
    operands: ['CLUSTER'],
    summary: "print the URL of a cluster's dashboard",
    options: { open: { type: 'boolean', help: 'in a browser too: of BROWSER, or xdg-open' } },
    run: dashboard,
  },
  {
    name: 'stop',
    operands: ['CLUSTER…'],
    summary: 'end clusters',
    options: { wait: { type: 'boolean', help: 'until they have ended' } },
    run: stop,
  },
]

async function options({ gateway, output, signal }: Context): Promise<undefined> {
  const fields = await (await gateway()).options({ signal })
  if (output.isJson) output.json(fields)
  else if (fields.length === 0) output.notice('There is nothing to choose')
  else
    output.table(
      ['OPTION', 'TAKES', 'DEFAULT', 'MEANING'],
      fields.map((each) => [each.field, boundsOf(each), JSON.stringify(each.default), each.label]),
    )
  return undefined
}

async function create(context: Context): Promise<undefined> {
  const { gateway, values, output, signal } = context
  const given = values.option
  const texts = Array.isArray(given) ? given : []
  const workers = textOf(values, 'workers')
  const count = workers === undefined ? 0 : countOf('--workers', workers)
  if (count > 0 && isSet(values, 'no-wait'))
    throw new UsageError('--workers needs a cluster that runs, and --no-wait does not wait for it')
  const client = await gateway()
  const chosen = texts.length === 0 ? {} : chosenOptions(texts, await client.options({ signal }))
  const name = await client.create(chosen, { signal })
  if (isSet(values, 'no-wait')) {
    if (output.isJson) output.json(await client.cluster(name, { signal }))
    else output.line(name)
    return undefined
  }
  output.progress(`${name}  begun`)
  let cluster: ClusterInfo
  try {
    cluster = await client.waitUntilRunning(name, {
      ...followOptions(context),
      onChange: (now) => output.progress(`${name}  ${now.status}  ${remarkOf(now)}`.trimEnd()),
    })
  } catch (error) {
    if (signal.aborted)
      output.notice(`Cluster ${name} goes on without you; to end it: dask-gateway stop ${name}`)
    throw error
  }
  if (count > 0) {
    const { msg } = await client.scale(name, count, { signal })
    if (msg !== null) output.notice(msg)
  }
  output.endProgress()
  if (output.isJson) output.json(cluster)
  else output.line(name)
  return undefined
}

async function list({ gateway, values, output, signal }: Context): Promise<undefined> {
  const client = await gateway()
  const query = isSet(values, 'all') ? {} : { status: living }
  const { clusters, cursor, total } = await client.clusters({ ...query, limit: 1000 }, { signal })
  if (output.isJson) output.json(clusters)
  else if (clusters.length === 0) output.notice('You have no clusters')
  else output.table(clusterHeadings, clusters.map(clusterRow))
  if (cursor !== null) output.notice(`These are the newest ${clusters.length} of ${total}`)
  return undefined
}

async function adapt(context: Context): Promise<number | undefined> {
  const { gateway, operands, values, signal } = context
  const bound = (name: string) => {
    const text = textOf(values, name)
    return text === undefined ? null : countOf(`--${name}`, text)
  }
  const [minimum, maximum] = [bound('minimum'), bound('maximum')]
  const client = await gateway()
  const name = await clusterNamed(client, operands[0] ?? '', 'own', signal)
  const wanted = { minimum, maximum, active: !isSet(values, 'off') }
  return tellScale(context, name, await client.adapt(name, wanted, { signal }))
}

function tellScale({ output }: Context, name: string, result: ScaleResult): undefined {
  if (output.isJson) output.json({ name, ...result })
  else if (result.msg !== null) output.notice(result.msg)
  return undefined
}

async function dashboard(context: Context): Promise<undefined> {
  const { gateway, operands, values, output, signal, environment } = context
  const client = await gateway()
  const name = await clusterNamed(client, operands[0] ?? '', 'own', signal)
  const cluster = await client.cluster(name, { signal })
  const url = client.dashboardUrl(cluster)
  if (url === null)
    throw new GatewayError(
      'conflict',
      `Cluster ${name} has no dashboard now: it is ${cluster.status}`,
    )
  if (output.isJson) output.json({ name, url })
  else output.line(url)
  if (isSet(values, 'open')) await openDashboard(url, environment)
  return undefined
}

async function openDashboard(url: string, environment: NodeJS.ProcessEnv): Promise<void> {
  // With Proxy.dashboard_auth = "link" a key is part of it.
  if (new URL(url).pathname.includes('/~'))
    throw new UsageError(
      'This URL has a key in it, which other users of this machine would see in the list of processes: open it yourself',
    )
  await openBrowser(url, environment)
}

async function stop(context: Context): Promise<number | undefined> {
  const { gateway, operands, values, output, signal } = context
  const client = await gateway()
  const names: string[] = []
  for (const given of operands) {
    const name = await clusterNamed(client, given, 'own', signal)
    // The gateway takes unknown names for ended clusters; whoever types one wants to know.
    await client.cluster(name, { signal })
    names.push(name)
  }
  for (const name of names) await client.stop(name, { signal })
  if (isSet(values, 'wait'))
    for (const name of names) {
      output.progress(`${name}  STOPPING`)
      const onChange = (now: ClusterInfo) => output.progress(`${name}  ${now.status}`)
      await client.waitUntilEnded(name, { ...followOptions(context), onChange })
    }
  output.endProgress()
  if (output.isJson) output.json({ stopped: names })
  return exitCodes.done
}

export function countOf(what: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new UsageError(`${what} must be a whole number, not "${text}"`)
}
