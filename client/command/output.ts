import { safeJson, safeLine, safeText } from './safe-text.ts'
import { cut, tableText } from './table.ts'

/** Where the command writes: what it found to standard output, what it does meanwhile to standard error. */
export interface Output {
  readonly isJson: boolean
  /** Whether a person looks on, so that lines may be written over. */
  readonly isTerminal: boolean
  /** A sentence, made safe. Not with --json. */
  line(text: string): void
  /** Text with lines of its own, made safe. */
  text(text: string): void
  table(headings: readonly string[], rows: readonly (readonly string[])[]): void
  /** One JSON document. */
  json(value: unknown): void
  /** One line of JSON of many. */
  jsonLine(value: unknown): void
  /** What goes on: on a terminal in one line that is written over, else a line each time that it changes. */
  progress(text: string): void
  /** Takes the line of `progress` away. */
  endProgress(): void
  /** A whole screen, again and again. */
  screen(text: string): void
  notice(text: string): void
}

export interface Streams {
  readonly stdout: {
    write(text: string): unknown
    readonly isTTY?: boolean
    readonly columns?: number
    readonly rows?: number
  }
  readonly stderr: {
    write(text: string): unknown
    readonly isTTY?: boolean
    readonly columns?: number
  }
}

const eraseLine = '\r\x1b[K'
const eraseScreen = '\x1b[H\x1b[2J'

export function createOutput({ stdout, stderr }: Streams, isJson: boolean): Output {
  const isTerminal = stdout.isTTY === true && process.env.TERM !== 'dumb'
  const canErase = stderr.isTTY === true && process.env.TERM !== 'dumb'
  let shown = ''
  function endProgress(): void {
    if (canErase && shown !== '') stderr.write(eraseLine)
    shown = ''
  }
  const print = (text: string) => {
    endProgress()
    stdout.write(text)
  }
  return {
    isJson,
    isTerminal,
    line: (text) => print(`${safeLine(text)}\n`),
    text: (text) => print(safeText(text)),
    table(headings, rows) {
      print(tableText(headings, rows, isTerminal ? stdout.columns || 80 : null))
    },
    json: (value) => print(`${safeJson(value, 2)}\n`),
    jsonLine: (value) => print(`${safeJson(value)}\n`),
    progress(text) {
      const safe = safeLine(text)
      if (safe === shown) return
      if (canErase) stderr.write(eraseLine + cut(safe, (stderr.columns || 80) - 1))
      else stderr.write(`${safe}\n`)
      shown = safe
    },
    endProgress,
    screen: (text) => stdout.write(eraseScreen + cutRows(text, stdout.rows || 24)),
    notice(text) {
      endProgress()
      stderr.write(`${safeLine(text)}\n`)
    },
  }
}

function cutRows(text: string, rows: number): string {
  return text.split('\n').slice(0, rows).join('\n')
}
