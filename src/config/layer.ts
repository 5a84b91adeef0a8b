import type { ClusterOptions } from '../core/index.ts'

/** What one source (a file, the command line) assigns, in its order, before any of it is understood. */
export interface Layer {
  readonly assignments: readonly RawAssignment[]
  /** What the administrator should know, although it is no error. */
  readonly notes: readonly string[]
}

export interface RawAssignment {
  readonly className: string
  readonly setting: string
  readonly value: unknown
  /** "/etc/dask-gateway/dask_gateway_config.py, line 12" or "command line". */
  readonly source: string
}

/** A value from the command line: the setting's type decides whether it is a literal or plain text. */
export class TypedText {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** Changes to a value that stands elsewhere: `c.LocalBackend.inherited_environment.append("HOME")`. */
export class Changes {
  readonly front: readonly unknown[]
  readonly back: readonly unknown[]
  readonly inserts: readonly (readonly [number, unknown])[]
  readonly entries: { readonly [key: string]: unknown }

  constructor(given: Changes) {
    this.front = given.front
    this.back = given.back
    this.inserts = given.inserts
    this.entries = given.entries
  }
}

/** The value with its changes; null when what was there is neither a list nor a dict that fits them. */
export function changed(base: unknown, changes: Changes): unknown {
  const isDict = Object.keys(changes.entries).length > 0
  const start = base ?? (isDict ? {} : [])
  if (isDict)
    return typeof start === 'object' && !Array.isArray(start)
      ? Object.fromEntries([...Object.entries(start), ...Object.entries(changes.entries)])
      : null
  if (!Array.isArray(start)) return null
  const list = [...changes.front, ...start, ...changes.back]
  for (const [index, value] of changes.inserts) list.splice(index, 0, value)
  return list
}

/** Cluster options as a source declares them; `fields` is null when they depend on the user. */
export class DeclaredOptions implements ClusterOptions {
  readonly fieldsFor: ClusterOptions['fieldsFor']
  readonly settingsFor: ClusterOptions['settingsFor']
  readonly summary: string

  constructor(summary: string, options: ClusterOptions) {
    this.summary = summary
    this.fieldsFor = options.fieldsFor
    this.settingsFor = options.settingsFor
  }

  toJSON(): string {
    return this.summary
  }
}
