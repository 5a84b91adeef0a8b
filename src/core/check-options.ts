import { GatewayError } from './errors.ts'
import type { Json } from './json.ts'
import type { OptionField } from './options.ts'
import {
  pythonFixed,
  pythonFloat,
  pythonNumber,
  pythonRepr,
  pythonTypeName,
} from './python-text.ts'

/**
 * The options of a new cluster, as a client asks for them (`raw`, any JSON value), checked against the declared fields
 * and completed with their defaults, in declared order. Throws 'invalid' with the texts of wire-protocol 4.4, which
 * are the old server's to the letter. An explicit null is a value like any other. `true` passes for a number, since
 * a Python bool is an int.
 */
export function checkOptions(
  fields: readonly OptionField[],
  raw: unknown,
): { readonly [field: string]: Json } {
  // `raw` comes from JSON.parse, so it is Json; its keys may be any, `__proto__` included, and are its own.
  const asked = raw as Json | undefined
  if (typeof asked !== 'object' || asked === null || Array.isArray(asked))
    throw invalid(`options must be a dict, got '${pythonTypeName(asked)}'`)
  const names = new Set(fields.map(({ field }) => field))
  const unknown = Object.keys(asked).filter((name) => !names.has(name))
  if (unknown.length > 0)
    throw invalid(`Unknown fields ${pythonRepr(unknown.toSorted(byCodePoint))}`)
  const given = new Map(Object.entries(asked))
  return Object.fromEntries(
    fields.map((field) => {
      const value = given.get(field.field)
      return [field.field, value === undefined ? field.default : checkOption(field, value)]
    }),
  )
}

/** One value for one field, in the field's own type. */
export function checkOption({ field, spec }: OptionField, value: Json): Json {
  switch (spec.type) {
    case 'string':
      if (typeof value === 'string') return value
      throw invalid(`${field} must be a string, got ${pythonRepr(value)}`)
    case 'bool':
      if (typeof value === 'boolean') return value
      throw invalid(`${field} must be a bool, got ${pythonRepr(value)}`)
    case 'int':
      if (typeof value === 'boolean' || Number.isInteger(value))
        return within(field, spec, value as number | boolean, pythonInteger)
      throw invalid(`${field} must be an integer, got ${pythonRepr(value)}`)
    case 'float':
      if (typeof value === 'number' || typeof value === 'boolean')
        return within(field, spec, Number(value), pythonFloat)
      throw invalid(`${field} must be a float, got ${pythonRepr(value)}`)
    case 'select':
      if (typeof value !== 'string')
        throw invalid(`${field} must be a string, got ${pythonRepr(value)}`)
      if (spec.options.includes(value)) return value
      throw invalid(`${pythonRepr(value)} is not a valid option for ${field}`)
    case 'mapping':
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
      throw invalid(`${field} must be a mapping, got ${pythonRepr(value)}`)
  }
}

function within<T extends number | boolean>(
  field: string,
  limits: { readonly min: number | null; readonly max: number | null },
  value: T,
  shown: (value: T) => string,
): T {
  if (limits.min !== null && Number(value) < limits.min)
    throw invalid(`${field} must be >= ${pythonFixed(limits.min)}, got ${shown(value)}`)
  if (limits.max !== null && Number(value) > limits.max)
    throw invalid(`${field} must be <= ${pythonFixed(limits.max)}, got ${shown(value)}`)
  return value
}

const pythonInteger = (value: number | boolean) =>
  typeof value === 'boolean' ? pythonRepr(value) : pythonNumber(value)

/** Python sorts strings by code point; the order of UTF-8 is the same. */
const byCodePoint = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))

const invalid = (message: string) => new GatewayError('invalid', message)
