import { safeLine } from './safe-text.ts'

const graphemes = new Intl.Segmenter()
// As terminals count: emoji and East Asian wide characters (Unicode Annex 11) take two places.
const wide =
  /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/u

/** Rows under headings, in columns; `width`: cut to a terminal that wide, null: whole. */
export function tableText(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  width: number | null,
): string {
  const safe = [headings, ...rows.map((row) => row.map(safeLine))]
  const widths = headings.map((_, column) =>
    safe.reduce((most, row) => Math.max(most, widthOf(row[column] ?? '')), 0),
  )
  return safe.map((row) => `${lineOf(row, widths, width)}\n`).join('')
}

function lineOf(row: readonly string[], widths: readonly number[], width: number | null): string {
  const line = row
    .map((cell, column) => cell + ' '.repeat(Math.max(0, (widths[column] ?? 0) - widthOf(cell))))
    .join('  ')
    .trimEnd()
  return width === null ? line : cut(line, width)
}

export function widthOf(text: string): number {
  let width = 0
  for (const { segment } of graphemes.segment(text)) width += wide.test(segment) ? 2 : 1
  return width
}

export function cut(text: string, width: number): string {
  if (text.length <= width && widthOf(text) <= width) return text
  let kept = ''
  let used = 0
  for (const { segment } of graphemes.segment(text)) {
    used += wide.test(segment) ? 2 : 1
    if (used > width - 1) break
    kept += segment
  }
  return `${kept}…`
}
