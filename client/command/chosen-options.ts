import type { Json, OptionField } from '../src/index.ts'
import { UsageError } from './exit-codes.ts'

/** `-o field=value` as the gateway wants them, by the kinds of the fields. The gateway checks bounds and choices. */
export function chosenOptions(
  given: readonly string[],
  fields: readonly OptionField[],
): { readonly [field: string]: Json } {
  const chosen: { [field: string]: Json } = {}
  for (const text of given) {
    const equals = text.indexOf('=')
    if (equals <= 0) throw new UsageError(`-o takes FIELD=VALUE, not "${text}"`)
    const name = text.slice(0, equals)
    const field = fields.find((each) => each.field === name)
    if (field === undefined) {
      const names = fields.map((each) => each.field).join(', ')
      throw new UsageError(
        `There is no option "${name}"${names === '' ? ': this gateway has none' : `; there are ${names}`}`,
      )
    }
    chosen[name] = typedValue(field, text.slice(equals + 1))
  }
  return chosen
}

function typedValue({ field, spec }: OptionField, text: string): Json {
  const wrong = (what: string) => new UsageError(`-o ${field}: "${text}" is ${what}`)
  switch (spec.type) {
    case 'int':
    case 'float': {
      if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text)) throw wrong('no number')
      return Number(text)
    }
    case 'bool': {
      if (/^(?:true|yes|on|1)$/i.test(text)) return true
      if (/^(?:false|no|off|0)$/i.test(text)) return false
      throw wrong('neither true nor false')
    }
    case 'mapping': {
      try {
        const value: unknown = JSON.parse(text)
        if (typeof value === 'object' && value !== null && !Array.isArray(value))
          return value as { readonly [key: string]: Json }
      } catch {
        // Said below.
      }
      throw wrong('no JSON object such as {"NAME": "value"}')
    }
    default:
      return text
  }
}
