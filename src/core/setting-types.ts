import * as z from 'zod'
import { type LogLevel, logLevelOf, logLevels } from '../util/index.ts'
import type { Command } from './cluster-settings.ts'

/** A kind of value that a setting may have: what people call it, and how it is checked and read. */
export interface SettingType<T> {
  /** As the reference page calls it: "memory", "seconds", "host:port". */
  readonly word: string
  readonly schema: z.ZodType<T>
}

const of = <T>(word: string, schema: z.ZodType<T>): SettingType<T> => ({ word, schema })

export const text = of('string', z.string('must be a string'))
export const path = of('path', z.string('must be a path (a string)').min(1, 'must not be empty'))
export const boolean = of('bool', z.boolean('must be True or False'))
export const seconds = of(
  'seconds',
  z.number('must be a number of seconds').min(0, 'must be 0 or more seconds'),
)
const levels = `must be one of ${logLevels.join(', ').toUpperCase()}, or a number such as 20`
/** A name in any case, or one of Python's numbers: 10 is DEBUG, 50 CRITICAL. */
export const logLevel: SettingType<LogLevel> = of(
  'log level',
  z.union([z.string(), z.number()], levels).transform((value, context): LogLevel => {
    const level = value === '' ? null : logLevelOf(value)
    if (level !== null) return level
    context.addIssue({ code: 'custom', message: levels })
    return z.NEVER
  }),
)
export const anything = of('any', z.unknown())
export const className = of(
  'class',
  z.string('must be a class, or its dotted name as a string').min(1, 'must not be empty'),
)
export const textList = of(
  'list of strings',
  z.array(z.string(), 'must be a list of strings').readonly(),
)
/** Each as 10.0.0.0/8, or one address. */
export const networks = of(
  'list of networks',
  z
    .array(
      z.union([z.cidrv4(), z.cidrv6(), z.ipv4(), z.ipv6()], 'must be networks such as 10.0.0.0/8'),
      'must be a list of networks such as 10.0.0.0/8',
    )
    .readonly(),
)
export const textMap = of(
  'dict of strings',
  z.record(
    z.string(),
    z.union([z.string(), z.number(), z.boolean()]).transform(String),
    'must be a dict of names to strings',
  ),
)

const labelWords =
  'must be at most 8 names of 1 to 63 letters, digits, ".", "_", "/" and "-", with values of at most 200 characters in one line'
export const labels: SettingType<{ readonly [name: string]: string }> = of(
  'dict of labels',
  z
    .record(
      z.string().regex(/^[A-Za-z0-9._/-]{1,63}$/, labelWords),
      z
        .union([z.string(), z.number(), z.boolean()])
        .transform(String)
        .refine(
          (value) => value.length <= 200 && !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u.test(value),
          {
            error: labelWords,
          },
        ),
      labelWords,
    )
    .refine((value) => Object.keys(value).length <= 8, { error: labelWords }),
)

export function integer(
  options: { readonly min?: number; readonly max?: number } = {},
): SettingType<number> {
  const { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = options
  return of(
    'int',
    z.number('must be an integer').refine((n) => Number.isInteger(n) && n >= min && n <= max, {
      error: `must be an integer${options.min === undefined ? '' : ` of at least ${min}`}${options.max === undefined ? '' : ` of at most ${max}`}`,
    }),
  )
}

export function float(options: { readonly min?: number } = {}): SettingType<number> {
  return of(
    'float',
    z
      .number('must be a number')
      .min(options.min ?? -Number.MAX_VALUE, `must be at least ${options.min}`),
  )
}

export function choice<const C extends readonly string[]>(...choices: C): SettingType<C[number]> {
  return of(
    choices.map((each) => `"${each}"`).join(' or '),
    z.enum(
      choices as unknown as [string, ...string[]],
      `must be one of ${choices.join(', ')}`,
    ) as z.ZodType<C[number]>,
  )
}

/** The type or None; an empty string means None too ("not set" in existing files). */
export function optional<T>(type: SettingType<T>): SettingType<T | null> {
  return of(
    `${type.word} or None`,
    z.preprocess(
      (value) => (value === '' || value === undefined ? null : value),
      type.schema.nullable(),
    ),
  )
}

const memoryPattern = /^(\d+(?:\.\d+)?|\.\d+)\s*([KMGT]?)$/i

/** Bytes; a number (a float is cut) or a number with K, M, G or T (powers of 1,024), as in "4 G". */
export const memory = of(
  'memory',
  z
    .union([z.number(), z.string()], 'must be bytes, or a number with K, M, G or T, such as "4 G"')
    .transform((value, context) => {
      const bytes = typeof value === 'number' ? Math.trunc(value) : memoryBytes(value)
      if (Number.isFinite(bytes) && bytes >= 0) return bytes
      context.addIssue({
        code: 'custom',
        message: 'must be bytes, or a number with K, M, G or T, such as "4 G"',
      })
      return z.NEVER
    }),
) as SettingType<number>

function memoryBytes(value: string): number {
  const match = memoryPattern.exec(value.trim())
  if (match === null) return Number.NaN
  const power = ['', 'K', 'M', 'G', 'T'].indexOf((match[2] ?? '').toUpperCase())
  return Math.trunc(Number(match[1]) * 1024 ** power)
}

/** See `Command`: a list is argv, a string is shell text. */
export const command: SettingType<Command> = of(
  'command',
  z.union(
    [
      z.string().min(1, 'must not be empty'),
      z.array(z.string()).min(1, 'must not be empty').readonly(),
    ],
    'must be a command: a string, or a list of strings',
  ),
)

export interface HostPort {
  /** Empty: all addresses. */
  readonly host: string
  readonly port: number
}

/** `host:port` or `:port`; an IPv6 host stands in brackets. */
export const hostPort = of(
  'host:port',
  z.string('must be "host:port"').transform((value, context): HostPort => {
    const match = /^(?:\[([0-9a-f:.]+)\]|([^:[\]\s/]*)):(\d{1,5})$/i.exec(value.trim())
    const port = Number(match?.[3])
    if (match !== null && port <= 65535) return { host: match[1] ?? match[2] ?? '', port }
    context.addIssue({
      code: 'custom',
      message: 'must be "host:port" or ":port", such as ":8000" or "127.0.0.1:8000"',
    })
    return z.NEVER
  }),
) as SettingType<HostPort>

export const httpUrl = of(
  'URL',
  z
    .string('must be a URL')
    .refine((value) => /^https?:\/\/[^\s/]+/.test(value), 'must be an http:// or https:// URL'),
)
