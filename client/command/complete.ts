import type { GatewayClient } from '../src/index.ts'
import { commandOf, commands, commonOptions } from './commands.ts'
import type { Command } from './context.ts'
import { quotaScopes } from './quota-commands.ts'

const limitMs = 2000

/** The words that may stand where the last one of `words` is being typed. */
export async function candidates(
  words: readonly string[],
  gateway: () => Promise<GatewayClient>,
): Promise<readonly string[]> {
  const typed = words.at(-1) ?? ''
  const before = words.slice(0, -1)
  const named = before.filter((word) => !word.startsWith('-'))
  const command = commandOf(named)
  const all =
    command === null ? commandWords(named) : await wordsOf(command, before, typed, named, gateway)
  return all.filter((word) => word.startsWith(typed))
}

/** What comes after the words so far, at the beginning or after "admin". */
function commandWords(named: readonly string[]): readonly string[] {
  const next = commands
    .map(({ name }) => name.split(' '))
    .filter((parts) => named.every((word, index) => parts[index] === word))
    .map((parts) => parts[named.length] ?? '')
  return [...new Set(next)].filter((word) => word !== '')
}

async function wordsOf(
  command: Command,
  before: readonly string[],
  typed: string,
  named: readonly string[],
  gateway: () => Promise<GatewayClient>,
): Promise<readonly string[]> {
  if (typed.startsWith('-'))
    return Object.keys({ ...command.options, ...commonOptions }).map((name) => `--${name}`)
  const previous = before.at(-1) ?? ''
  const signal = AbortSignal.timeout(limitMs)
  if (command.name === 'create' && (previous === '-o' || previous === '--option'))
    return (await (await gateway()).options({ signal })).map(({ field }) => `${field}=`)
  const operand =
    command.operands[named.length - command.name.split(' ').length] ?? command.operands.at(-1)
  if (operand === 'SHELL') return ['bash', 'zsh', 'fish']
  if (operand === 'SCOPE') return quotaScopes
  if (operand !== 'CLUSTER' && operand !== 'CLUSTER…') return []
  const client = await gateway()
  const query = { search: typed, limit: 100, status: ['PENDING', 'RUNNING'] as const }
  const { clusters } = command.name.startsWith('admin ')
    ? await client.admin.clusters(query, { signal })
    : await client.clusters(query, { signal })
  return clusters.map(({ name }) => name)
}
