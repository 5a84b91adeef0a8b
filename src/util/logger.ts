import { inspect } from 'node:util'

export const logLevels = ['debug', 'info', 'warn', 'error', 'critical'] as const
export type LogLevel = (typeof logLevels)[number]

export interface LoggerOptions {
  readonly level: LogLevel | (() => LogLevel)
  /** `text`: a line for people; `json`: one object a line. */
  readonly format: 'text' | 'json'
  readonly write: (line: string) => void
}

type Fields = { readonly [key: string]: unknown }

/**
 * Writes lines with fields. Values may come from users: text is printed as JSON strings, so that no line break or terminal
 * escape gets out.
 */
export function createLogger(options: LoggerOptions, bound: Fields = {}) {
  const log = (level: LogLevel, message: string, fields: Fields = {}) => {
    const least = typeof options.level === 'function' ? options.level() : options.level
    if (logLevels.indexOf(level) < logLevels.indexOf(least)) return
    const all = { ...bound, ...fields }
    options.write(
      options.format === 'json' ? jsonLine(level, message, all) : textLine(level, message, all),
    )
  }
  return {
    debug: (message: string, fields?: Fields) => log('debug', message, fields),
    info: (message: string, fields?: Fields) => log('info', message, fields),
    warn: (message: string, fields?: Fields) => log('warn', message, fields),
    error: (message: string, fields?: Fields) => log('error', message, fields),
    with: (fields: Fields) => createLogger(options, { ...bound, ...fields }),
  }
}

function jsonLine(level: LogLevel, message: string, fields: Fields): string {
  const plain = Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [
      key,
      value instanceof Error ? describe(value) : value,
    ]),
  )
  return `${JSON.stringify({ time: new Date().toISOString(), level, message, ...plain })}\n`
}

/** `[I 2026-11-22 19:20:23.123] The message cluster=abc user="a b"`, and the stack of an error below it. */
function textLine(level: LogLevel, message: string, fields: Fields): string {
  const time = new Date().toISOString().replace('T', ' ').slice(0, 23)
  let line = `[${level.slice(0, 1).toUpperCase()} ${time}] ${printable(message)}`
  let stack = ''
  for (const [key, value] of Object.entries(fields)) {
    if (value instanceof Error) {
      line += ` ${key}=${word(value.message)}`
      if (level === 'error') stack += `\n${describe(value)}`
    } else if (value !== undefined) line += ` ${key}=${word(value)}`
  }
  return `${line}${stack}\n`
}

function describe(error: Error): string {
  return printable(inspect(error, { breakLength: 120, depth: 4 }))
}

function word(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value))
  return printable(/^[\w./:@+-]+$/.test(text) ? text : JSON.stringify(text))
}

/** Line breaks are kept (indented); other control and format characters are shown as their code. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
    character === '\n' ? '\n    ' : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** A level by its name in any case, or by Python's number (10 debug … 50 critical); null: neither. */
export function logLevelOf(value: string | number): LogLevel | null {
  if (typeof value === 'number' || /^\d+$/.test(value))
    return logLevels[Math.min(4, Math.max(0, Math.ceil(Number(value) / 10) - 1))] ?? null
  const name = value.toLowerCase()
  if (name === 'warning') return 'warn'
  if (name === 'fatal') return 'critical'
  return logLevels.find((level) => level === name) ?? null
}
