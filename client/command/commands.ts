import { adminCommands } from './admin-commands.ts'
import { clusterCommands } from './cluster-commands.ts'
import { completionCommand } from './completion.ts'
import type { Command, CommandOption } from './context.ts'
import { loginCommands } from './login-commands.ts'
import { lookCommands } from './look-commands.ts'
import { adminQuotaCommands, quotaCommands } from './quota-commands.ts'
import { adminTokenCommands, tokenCommands } from './token-commands.ts'
import { adminUsageCommand, usageCommand } from './usage-commands.ts'

/** All commands, in the order of the help. */
export const commands: readonly Command[] = [
  ...loginCommands,
  ...clusterCommands,
  ...lookCommands,
  ...quotaCommands,
  ...tokenCommands,
  usageCommand,
  ...adminCommands,
  ...adminTokenCommands,
  ...adminQuotaCommands,
  adminUsageCommand,
  completionCommand,
]

/** What every command takes. */
export const commonOptions: { readonly [name: string]: CommandOption } = {
  address: { type: 'string', value: 'URL', help: "the gateway's address" },
  json: { type: 'boolean', help: 'print JSON' },
  help: { type: 'boolean', short: 'h', help: 'print this' },
}

/** The command that words begin with, of several the longest; null: none. */
export function commandOf(words: readonly string[]): Command | null {
  const found = commands.filter(({ name }) =>
    name.split(' ').every((part, index) => part === words[index]),
  )
  return found.toSorted((a, b) => b.name.length - a.name.length)[0] ?? null
}
