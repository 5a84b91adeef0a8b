import type { Json } from './json.ts'

// Values as Python would write them: the texts of option errors are read by people who work in Python, and the
// unmodified client has always shown them so (wire-protocol 4.4).

/** `repr(value)` of a JSON value. Whole numbers are ints: JavaScript cannot tell 2.0 from 2. */
export function pythonRepr(value: Json): string {
  if (value === null) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (typeof value === 'number') return pythonNumber(value)
  if (typeof value === 'string') return pythonString(value)
  if (Array.isArray(value)) return `[${value.map(pythonRepr).join(', ')}]`
  const entries = Object.entries(value).map(
    ([key, each]) => `${pythonString(key)}: ${pythonRepr(each)}`,
  )
  return `{${entries.join(', ')}}`
}

/** `type(value).__name__` of a JSON value. */
export function pythonTypeName(value: Json | undefined): string {
  if (value === null || value === undefined) return 'NoneType'
  if (typeof value === 'boolean') return 'bool'
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float'
  if (typeof value === 'string') return 'str'
  return Array.isArray(value) ? 'list' : 'dict'
}

/** `str()` of an int (when the number is whole) or of a float. */
export function pythonNumber(value: number): string {
  return Number.isInteger(value) ? BigInt(value).toString() : pythonFloat(value)
}

/** `str()` of a float: the shortest digits that read back, with an exponent below 1e-4 and from 1e16 on. */
export function pythonFloat(value: number): string {
  const size = Math.abs(value)
  if (size !== 0 && (size < 1e-4 || size >= 1e16))
    return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2')
  const text = Object.is(value, -0) ? '-0' : String(value)
  return text.includes('.') ? text : `${text}.0`
}

/** `'%f' % value`. */
export function pythonFixed(value: number): string {
  return Math.abs(value) < 1e21 ? value.toFixed(6) : `${BigInt(value)}.000000`
}

// What Python escapes although it is printed elsewhere: everything of Unicode's categories C and Z but the space.
const unprintable = /[\p{C}\p{Z}]/u
const short: { readonly [character: string]: string } = {
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
}

function pythonString(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  let written = ''
  for (const character of text) {
    if (character === quote) written += `\\${quote}`
    else if (character !== ' ' && unprintable.test(character)) written += escaped(character)
    else written += short[character] ?? character
  }
  return quote + written + quote
}

function escaped(character: string): string {
  const known = short[character]
  if (known !== undefined) return known
  const code = character.codePointAt(0) ?? 0
  const hexadecimal = code.toString(16)
  if (code < 0x100) return `\\x${hexadecimal.padStart(2, '0')}`
  return code < 0x10000
    ? `\\u${hexadecimal.padStart(4, '0')}`
    : `\\U${hexadecimal.padStart(8, '0')}`
}
