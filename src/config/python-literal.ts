/** Reads a literal of Python or JSON (`8000`, `True`, `null`, `['a', 1]`, `{"a": 2.5}`, `'text'`); null: it is none. */
export function parseLiteral(text: string): { readonly value: unknown } | null {
  const reader = new Reader(text)
  try {
    const value = reader.value()
    return reader.atEnd() ? { value } : null
  } catch (error) {
    if (error instanceof NoLiteral) return null
    throw error
  }
}

/** Writes a JSON value as Python; the strings are JSON's, which Python reads alike. */
export function writeLiteral(value: unknown): string {
  if (value === null || value === undefined) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (Array.isArray(value)) return `[${value.map(writeLiteral).join(', ')}]`
  if (typeof value === 'object') {
    const entries = Object.entries(value).map(
      ([key, each]) => `${JSON.stringify(key)}: ${writeLiteral(each)}`,
    )
    return `{${entries.join(', ')}}`
  }
  return JSON.stringify(value)
}

class NoLiteral extends Error {}

const words: { readonly [word: string]: unknown } = {
  None: null,
  null: null,
  True: true,
  true: true,
  False: false,
  false: false,
}
const escapes: { readonly [character: string]: string } = {
  n: '\n',
  r: '\r',
  t: '\t',
  '\\': '\\',
  "'": "'",
  '"': '"',
  '/': '/',
}
const deepest = 50

class Reader {
  readonly #text: string
  #at = 0
  #depth = 0

  constructor(text: string) {
    this.#text = text
  }

  atEnd(): boolean {
    return this.#take(/\s*/y) !== null && this.#at === this.#text.length
  }

  value(): unknown {
    this.#take(/\s*/y)
    if (++this.#depth > deepest) throw new NoLiteral()
    const value = this.#unnested()
    this.#depth -= 1
    return value
  }

  #unnested(): unknown {
    const number = this.#take(/[+-]?(?:\d[\d_]*(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?![\w.])/y)
    if (number !== null) return Number(number.replaceAll('_', ''))
    const word = this.#take(/[A-Za-z]+(?!\w)/y)
    if (word !== null) {
      if (Object.hasOwn(words, word)) return words[word]
      throw new NoLiteral()
    }
    if (this.#take(/\[/y) !== null) return this.#items(/\]/y)
    if (this.#take(/\(/y) !== null) return this.#items(/\)/y)
    if (this.#take(/\{/y) !== null) return this.#entries()
    return this.#string()
  }

  #items(end: RegExp): unknown[] {
    const items: unknown[] = []
    while (!this.#ends(end)) {
      items.push(this.value())
      this.#comma(end)
    }
    return items
  }

  #entries(): { [key: string]: unknown } {
    const entries: [string, unknown][] = []
    while (!this.#ends(/\}/y)) {
      this.#take(/\s*/y)
      const key = this.#string()
      if (this.#take(/\s*:/y) === null) throw new NoLiteral()
      entries.push([key, this.value()])
      this.#comma(/\}/y)
    }
    return Object.fromEntries(entries)
  }

  #ends(end: RegExp): boolean {
    this.#take(/\s*/y)
    return this.#take(end) !== null
  }

  /** A comma, or the end ahead, which is left to be read. */
  #comma(end: RegExp): void {
    if (this.#take(/\s*,/y) !== null) return
    this.#take(/\s*/y)
    end.lastIndex = this.#at
    if (!end.test(this.#text)) throw new NoLiteral()
  }

  #string(): string {
    const quoted = this.#take(/'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"/sy)
    if (quoted === null) throw new NoLiteral()
    return quoted
      .slice(1, -1)
      .replace(/\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)/gs, (all, code: string) =>
        code.length > 1
          ? String.fromCharCode(Number.parseInt(code.slice(1), 16))
          : (escapes[code] ?? all),
      )
  }

  #take(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0] ?? null
    if (found !== null) this.#at += found.length
    return found
  }
}
