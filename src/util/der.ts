// As much of the Distinguished Encoding Rules (ITU-T X.690) as a certificate of ours takes: each value is its tag, its length
// and its contents.

export function der(tag: number, ...contents: readonly Buffer[]): Buffer {
  const body = Buffer.concat(contents)
  return Buffer.concat([Buffer.from([tag]), lengthOf(body), body])
}

// Up to 127 in one byte, else the number of bytes and then those (8.1.3).
function lengthOf({ length }: Buffer): Buffer {
  if (length < 0x80) return Buffer.from([length])
  if (length < 0x100) return Buffer.from([0x81, length])
  if (length < 0x10000) return Buffer.from([0x82, length >> 8, length & 0xff])
  throw new RangeError(`${length} bytes are more than a certificate has`)
}

export const sequence = (...contents: readonly Buffer[]) => der(0x30, ...contents)
export const octetString = (contents: Buffer) => der(0x04, contents)
/** No unused bits. */
export const bitString = (contents: Buffer) => der(0x03, Buffer.from([0]), contents)
/** `[number] EXPLICIT`. */
export const context = (number: number, contents: Buffer) => der(0xa0 | number, contents)

/** A number that is not negative, its highest byte first: the shortest form (8.3), which has no sign bit. */
export function integer(bytes: Buffer): Buffer {
  const first = bytes.findIndex((byte) => byte !== 0)
  const shortest = first === -1 ? Buffer.from([0]) : bytes.subarray(first)
  const isHigh = (shortest[0] ?? 0) >= 0x80
  return der(0x02, isHigh ? Buffer.concat([Buffer.from([0]), shortest]) : shortest)
}

/** The first two numbers share a byte; the others have seven bits a byte, all but the last of them marked (8.19). */
export function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const bytes = [first * 40 + second, ...rest].flatMap((number) => {
    const groups = [number & 0x7f]
    for (let left = number >>> 7; left > 0; left >>>= 7) groups.unshift((left & 0x7f) | 0x80)
    return groups
  })
  return der(0x06, Buffer.from(bytes))
}

/** UTCTime until 2049, then GeneralizedTime (RFC 5280, section 4.1.2.5). */
export function time(ms: number): Buffer {
  const digits = new Date(ms)
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replace(/[-:T]/g, '')
  return Number(digits.slice(0, 4)) < 2050
    ? der(0x17, Buffer.from(digits.slice(2)))
    : der(0x18, Buffer.from(digits))
}
