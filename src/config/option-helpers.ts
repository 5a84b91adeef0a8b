import type { PlainField, PlainOptions } from './plain-options.ts'

type More = Omit<PlainField, 'type' | 'field'>

/**
 * The names of `dask_gateway_server.options` for configurations in TypeScript, which get them as their second argument.
 * They only write data down: `Integer('cores', { min: 1 })` is `{ type: 'int', field: 'cores', min: 1 }`.
 */
export const optionHelpers = {
  Options: (
    ...given: (PlainField | { readonly handler: PlainOptions['handler'] })[]
  ): PlainOptions => {
    const handler = given
      .map((each) => ('handler' in each ? each.handler : undefined))
      .find(Boolean)
    const fields = given.filter((each): each is PlainField => 'field' in each)
    return handler === undefined ? { fields } : { fields, handler }
  },
  String: (field: string, more: More = {}): PlainField => ({ type: 'string', field, ...more }),
  Bool: (field: string, more: More = {}): PlainField => ({ type: 'bool', field, ...more }),
  Integer: (field: string, more: More = {}): PlainField => ({ type: 'int', field, ...more }),
  Float: (field: string, more: More = {}): PlainField => ({ type: 'float', field, ...more }),
  Select: (field: string, options: PlainField['options'] & {}, more: More = {}): PlainField => ({
    type: 'select',
    field,
    options,
    ...more,
  }),
  Mapping: (field: string, more: More = {}): PlainField => ({ type: 'mapping', field, ...more }),
} as const

export type OptionHelpers = typeof optionHelpers
