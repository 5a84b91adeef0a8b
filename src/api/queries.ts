import { type ShownStatus, shownStatuses } from '../clusters/index.ts'
import { GatewayError } from '../core/index.ts'

/** Statuses, comma separated, in any case. Throws 'invalid' as the old server does. */
export function statusesNamed(list: string): readonly ShownStatus[] {
  return list.split(',').map((name) => {
    const known = shownStatuses.find((each) => each === name.toUpperCase())
    if (known !== undefined) return known
    throw new GatewayError('invalid', `${pythonRepr(name)} is not a valid ClusterStatus`)
  })
}

/** `?wait` alone, or any integer but 0. */
export function isFlagSet(value: string | null): boolean {
  if (value === null) return false
  return value === '' || (/^\s*[+-]?\d+\s*$/.test(value) && Number(value) !== 0)
}

/** A number of a query. Throws 'invalid' with its bounds. */
export function wholeNumber(
  name: string,
  value: string | null,
  min: number,
  max: number,
  otherwise: number,
): number {
  if (value === null) return otherwise
  const number = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN
  if (number >= min && number <= max) return number
  throw new GatewayError('invalid', `${name} must be an integer from ${min} to ${max}`)
}

function pythonRepr(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  return `${quote}${text.replaceAll('\\', '\\\\').replaceAll(quote, `\\${quote}`)}${quote}`
}
