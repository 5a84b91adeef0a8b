import { createReader, malformed, type Reader } from './reader.ts'
import { skip, type ValueType } from './types.ts'
import { createWriter, type Writer } from './writer.ts'

type Presence = 'required' | 'optional' | 'repeated'

export interface Field<T, P extends Presence> {
  readonly number: number
  readonly type: ValueType<T>
  readonly presence: P
}

export const required = <T>(number: number, type: ValueType<T>): Field<T, 'required'> => ({
  number,
  type,
  presence: 'required',
})
export const optional = <T>(number: number, type: ValueType<T>): Field<T, 'optional'> => ({
  number,
  type,
  presence: 'optional',
})
export const repeated = <T>(number: number, type: ValueType<T>): Field<T, 'repeated'> => ({
  number,
  type,
  presence: 'repeated',
})

interface Fields {
  readonly [name: string]: Field<unknown, Presence>
}

type Value<F> = F extends Field<infer T, Presence> ? T : never
type Named<F, P extends Presence> = {
  [K in keyof F]: F[K] extends Field<infer _, P> ? K : never
}[keyof F]

/** What a table of fields describes. Lists may be left out when writing, and are always there when read. */
export type Written<F> = {
  readonly [K in Named<F, 'required'>]: Value<F[K]>
} & { readonly [K in Named<F, 'optional'>]?: Value<F[K]> | undefined } & {
  readonly [K in Named<F, 'repeated'>]?: readonly Value<F[K]>[] | undefined
}

/** A message: a table of its fields, by name. It is a value too, as a message in a message. */
export interface Message<T> extends ValueType<T> {
  encode(value: T): Buffer
  /** Throws HadoopError `protocol` for bytes that are no such message. */
  decode(bytes: Buffer): T
}

export type MessageOf<M> = M extends Message<infer T> ? T : never

export function message<const F extends { readonly [name: string]: Field<unknown, Presence> }>(
  fields: F,
): Message<Written<F>> {
  const table = Object.entries(fields as Fields)
  const byNumber = new Map(table.map(([name, field]) => [field.number, { name, field }]))
  const required = table.filter(([, { presence }]) => presence === 'required')
  const lists = table.filter(([, { presence }]) => presence === 'repeated')

  const writeFields = (out: Writer, value: Readonly<Record<string, unknown>>) => {
    for (const [name, field] of table) {
      const given = value[name]
      if (given === undefined) continue
      for (const each of field.presence === 'repeated' ? (given as readonly unknown[]) : [given]) {
        out.varint((field.number << 3) | field.type.wireType)
        field.type.write(out, each as never)
      }
    }
  }

  const readFields = (from: Reader): Written<F> => {
    from.element()
    const value: Record<string, unknown> = {}
    for (const [name] of lists) value[name] = []
    while (!from.isAtEnd) {
      const tag = from.number()
      const wireType = tag & 7
      const known = byNumber.get(Math.floor(tag / 8))
      const isPacked =
        wireType === 2 && known?.field.presence === 'repeated' && known.field.type.wireType !== 2
      if (known === undefined || (wireType !== known.field.type.wireType && !isPacked)) {
        skip(from, wireType)
      } else if (known.field.presence !== 'repeated') {
        const read = known.field.type.read(from)
        if (read !== undefined) value[known.name] = read
      } else {
        const list = value[known.name] as unknown[]
        const part = isPacked ? from.part(from.number()) : null
        do {
          from.element()
          const read = known.field.type.read(part ?? from)
          if (read !== undefined) list.push(read)
        } while (part !== null && !part.isAtEnd)
      }
    }
    for (const [name] of required)
      if (value[name] === undefined) throw malformed(`it lacks ${name}`)
    return value as Written<F>
  }

  const encode = (value: Written<F>) => {
    const out = createWriter()
    writeFields(out, value)
    return out.finish()
  }
  return {
    wireType: 2,
    encode,
    decode: (bytes) => readFields(createReader(bytes)),
    write(out, value) {
      const inner = encode(value)
      out.varint(inner.length)
      out.bytes(inner)
    },
    read: (from) => readFields(from.part(from.number())),
  }
}
