import type { ClusterSettings } from './cluster-settings.ts'
import type { Json } from './json.ts'
import type { User } from './user.ts'

/** One cluster option as the client sees it (wire-protocol: all members are required, no others allowed). */
export interface OptionField {
  readonly field: string
  readonly label: string
  readonly default: Json
  readonly spec: OptionSpec
}

export type OptionSpec =
  | { readonly type: 'string' }
  | { readonly type: 'bool' }
  | { readonly type: 'int'; readonly min: number | null; readonly max: number | null }
  | { readonly type: 'float'; readonly min: number | null; readonly max: number | null }
  | { readonly type: 'select'; readonly options: readonly string[] }
  | { readonly type: 'mapping' }

/**
 * Where options come from: the configuration (Python in a child process, or TypeScript). Both may throw
 * 'invalid' with the text that the administrator's code raised; both have a time limit of their own.
 */
export interface ClusterOptions {
  fieldsFor(user: User): Promise<readonly OptionField[]>
  /** `values` have been checked and completed. Returns cluster settings as the handler gave them, unchecked. */
  settingsFor(
    user: User,
    values: { readonly [field: string]: Json },
  ): Promise<{ readonly [key: string]: Json }>
}

/** Turns what the handler returned into settings: unknown keys become `warnings`, wrong values throw 'invalid'. */
export type ResolveClusterSettings = (overrides: { readonly [key: string]: Json }) => {
  readonly settings: ClusterSettings
  readonly warnings: readonly string[]
}
