import * as z from 'zod'
import {
  type ClusterOptions,
  checkOption,
  GatewayError,
  type Json,
  messageOf,
  type OptionField,
  type OptionSpec,
  type User,
} from '../core/index.ts'
import { DeclaredOptions } from './layer.ts'

/** A field of cluster options as JSON and TypeScript configurations declare it. */
export interface PlainField {
  readonly type: 'string' | 'bool' | 'int' | 'float' | 'select' | 'mapping'
  readonly field: string
  readonly default?: Json
  readonly label?: string
  /** The name under which the handler finds the value; else the field. */
  readonly target?: string
  readonly min?: number | null
  readonly max?: number | null
  /** Select: keys, or pairs of a key and any value. */
  readonly options?: readonly (string | readonly [string, unknown])[]
}

export interface PlainOptions {
  readonly fields: readonly PlainField[]
  /** Cluster settings for a choice. Without a handler the choice itself is the settings. */
  readonly handler?: (
    options: { readonly [target: string]: unknown },
    user: User,
  ) => { readonly [setting: string]: unknown } | Promise<{ readonly [setting: string]: unknown }>
}

const fieldSchema = z.strictObject({
  type: z.enum(
    ['string', 'bool', 'int', 'float', 'select', 'mapping'],
    'type must be string, bool, int, float, select or mapping',
  ),
  field: z.string('field must be a name').min(1, 'field must be a name'),
  default: z.json().optional(),
  label: z.string().optional(),
  target: z.string().optional(),
  min: z.number().nullish(),
  max: z.number().nullish(),
  options: z
    .array(z.union([z.string(), z.tuple([z.string(), z.unknown()])]))
    .min(1, 'options must be a list with at least one key')
    .optional(),
})
const optionsSchema = z.strictObject({
  fields: z.array(fieldSchema),
  handler: z.custom<PlainOptions['handler']>((value) => typeof value === 'function').optional(),
})

interface Field {
  readonly shown: OptionField
  readonly target: string
  readonly chosen: (value: Json) => unknown
}

/**
 * Options given as data, `{fields, handler}`, or as a function of the user that gives such data. `limitMs` limits
 * what a handler awaits; one that computes without end holds up the gateway itself, and cannot be stopped.
 */
export function plainOptions(
  where: string,
  given: unknown,
  limitMs: () => number,
): DeclaredOptions {
  if (typeof given !== 'function') {
    const declared = read(where, given)
    return new DeclaredOptions(
      summary(declared.fields),
      withHandler(() => declared, limitMs),
    )
  }
  return new DeclaredOptions(
    'options that depend on the user',
    withHandler(
      async (user) =>
        read(where, await inTime(() => given(user), 'cluster_options(user)', limitMs)),
      limitMs,
    ),
  )
}

export function summary(fields: readonly { readonly shown: OptionField }[]): string {
  return `options: ${fields.map(({ shown }) => shown.field).join(', ') || 'none'}`
}

interface Declared {
  readonly fields: readonly Field[]
  readonly handler: PlainOptions['handler']
}

function withHandler(
  declaredFor: (user: User) => Declared | Promise<Declared>,
  limitMs: () => number,
): ClusterOptions {
  return {
    fieldsFor: async (user) => (await declaredFor(user)).fields.map(({ shown }) => shown),
    settingsFor: async (user, values) => {
      const { fields, handler } = await declaredFor(user)
      const options = Object.freeze(
        Object.fromEntries(
          fields.map(({ shown, target, chosen }) => [
            target,
            chosen(values[shown.field] ?? shown.default),
          ]),
        ),
      )
      const settings =
        handler === undefined
          ? options
          : await inTime(() => handler(options, user), 'The option handler', limitMs)
      return jsonObject(settings)
    },
  }
}

function read(where: string, given: unknown): Declared {
  const result = optionsSchema.safeParse(given)
  if (!result.success) {
    const issue = result.error.issues[0]
    const at = issue?.path.join('.') ?? ''
    throw new GatewayError('configuration', `${where}${at && `.${at}`}: ${issue?.message}`)
  }
  return {
    fields: result.data.fields.map((each) => fieldOf(where, each)),
    handler: result.data.handler,
  }
}

function fieldOf(where: string, given: z.infer<typeof fieldSchema>): Field {
  const pairs = (given.options ?? []).map((each) =>
    typeof each === 'string' ? ([each, each] as const) : each,
  )
  if (given.type === 'select' && pairs.length === 0)
    throw new GatewayError(
      'configuration',
      `${where}: ${given.field} needs options, a list of keys`,
    )
  const values = new Map<string, unknown>(pairs)
  const { field } = given
  const spec = specOf(given, [...values.keys()])
  const shown = { field, label: given.label ?? field, default: given.default ?? null, spec }
  try {
    const start = given.default === undefined ? defaultOf(spec) : given.default
    return {
      shown: { ...shown, default: checkOption(shown, start as Json) },
      target: given.target ?? field,
      chosen: (value) => (given.type === 'select' ? values.get(String(value)) : value),
    }
  } catch (error) {
    throw new GatewayError('configuration', `${where}: the default: ${messageOf(error)}`)
  }
}

function specOf(given: z.infer<typeof fieldSchema>, options: readonly string[]): OptionSpec {
  const { type, min = null, max = null } = given
  if (type === 'int' || type === 'float') return { type, min, max }
  return type === 'select' ? { type, options } : { type }
}

function defaultOf(spec: OptionSpec): Json {
  switch (spec.type) {
    case 'string':
      return ''
    case 'bool':
      return false
    case 'int':
    case 'float':
      return 0
    case 'select':
      return spec.options[0] ?? ''
    case 'mapping':
      return {}
  }
}

async function inTime<T>(
  run: () => T | Promise<T>,
  what: string,
  limitMs: () => number,
): Promise<T> {
  const ms = limitMs()
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    late.reject(new GatewayError('internal', `${what} did not answer within ${ms / 1000} s.`))
  }, ms)
  try {
    return await Promise.race([(async () => run())(), late.promise])
  } catch (error) {
    throw error instanceof GatewayError
      ? error
      : new GatewayError('invalid', messageOf(error), { cause: error })
  } finally {
    clearTimeout(timer)
  }
}

function jsonObject(given: unknown): { readonly [key: string]: Json } {
  const result = z.record(z.string(), z.json()).safeParse(given)
  if (result.success) return result.data as { readonly [key: string]: Json }
  throw new GatewayError(
    'internal',
    'The option handler gave no object of cluster settings whose values are plain data.',
  )
}
