import type { UsageKey, UsageSum } from '../src/index.ts'
import { type Command, type Context, isSet, textOf } from './context.ts'
import { UsageError } from './exit-codes.ts'
import { hoursOf, sizeOf } from './words.ts'

const keys: readonly UsageKey[] = ['day', 'month', 'user', 'group', 'label']

const options = {
  from: { type: 'string', value: 'DAY', help: 'the first day (UTC), such as 2026-01-01' },
  to: { type: 'string', value: 'DAY', help: 'the last day; today unless said' },
  by: { type: 'string', short: 'b', value: 'KEY,…', help: `of ${keys.join(', ')}` },
  csv: { type: 'boolean', help: 'print a table for spreadsheets' },
} as const

export const usageCommand: Command = {
  name: 'usage',
  operands: [],
  summary: 'what your clusters used, by day unless said',
  options,
  run: (context) => usage(context, 'own'),
}

export const adminUsageCommand: Command = {
  name: 'admin usage',
  operands: [],
  summary: "what everybody's clusters used, by user unless said",
  options: {
    ...options,
    user: { type: 'string', short: 'u', value: 'NAME', help: 'only of this user' },
  },
  run: (context) => usage(context, 'any'),
}

async function usage(context: Context, who: 'own' | 'any'): Promise<undefined> {
  const { gateway, values, output, signal } = context
  const query = {
    from: textOf(values, 'from'),
    to: textOf(values, 'to'),
    by: keysOf(textOf(values, 'by')),
    user: textOf(values, 'user'),
  }
  const client = await gateway()
  const calls = who === 'own' ? client : client.admin
  if (isSet(values, 'csv')) {
    const text = await calls.usageCsv(query, { signal })
    output.text(text.replaceAll('\r\n', '\n'))
    return undefined
  }
  const found = await calls.usage(query, { signal })
  if (output.isJson) output.json(found)
  else {
    const { by } = found
    output.table(
      [
        ...by.map((key) => key.toUpperCase()),
        'CLUSTER HOURS',
        'WORKER HOURS',
        'CORE HOURS',
        'MEMORY HOURS',
      ],
      found.usage.map((sum) => [...by.map((key) => sum[key] ?? '-'), ...amountsOf(sum)]),
    )
    output.notice(`From ${found.from} to ${found.to} (UTC)`)
  }
  return undefined
}

function amountsOf(sum: UsageSum): readonly string[] {
  return [
    hoursOf(sum.cluster_seconds),
    hoursOf(sum.worker_seconds),
    hoursOf(sum.core_seconds),
    sizeOf(sum.memory_byte_seconds / 3600),
  ]
}

function keysOf(given: string | undefined): readonly UsageKey[] | undefined {
  return given?.split(',').map((word) => {
    const key = keys.find((each) => each === word)
    if (key !== undefined) return key
    throw new UsageError(`--by: "${word}" is none of ${keys.join(', ')}`)
  })
}
