import type { GatewayClient } from '../src/index.ts'
import type { Output } from './output.ts'

/** The values of a command's options, as node:util's parseArgs gives them. */
export type Values = { readonly [name: string]: string | boolean | readonly string[] | undefined }

/** What a command works with. */
export interface Context {
  readonly operands: readonly string[]
  readonly values: Values
  readonly output: Output
  /** Aborts at Ctrl-C. */
  readonly signal: AbortSignal
  /** The gateway that is meant; throws a UsageError when none is. */
  readonly gateway: () => Promise<GatewayClient>
  readonly environment: NodeJS.ProcessEnv
}

export interface CommandOption {
  readonly type: 'string' | 'boolean'
  readonly short?: string
  readonly multiple?: boolean
  /** What stands for the value in the help. */
  readonly value?: string
  readonly help: string
}

export interface Command {
  /** One to three words. */
  readonly name: string
  readonly operands: readonly Operand[]
  readonly summary: string
  readonly options: { readonly [name: string]: CommandOption }
  /** Resolves with the exit status, or nothing for 0. */
  readonly run: (context: Context) => Promise<number | undefined>
}

export type Operand =
  | 'CLUSTER'
  | 'CLUSTER…'
  | 'COUNT'
  | 'LIMIT…'
  | 'NAME'
  | 'SCOPE'
  | 'SHELL'
  | 'TOKEN…'

export function textOf(values: Values, name: string): string | undefined {
  const value = values[name]
  return typeof value === 'string' ? value : undefined
}

export function isSet(values: Values, name: string): boolean {
  return values[name] === true
}
