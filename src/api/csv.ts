/**
 * Rows as RFC 4180 has them. Texts are other people's: one that a spreadsheet would take for a formula gets an apostrophe in front
 * (OWASP, "CSV Injection"), and control characters become U+FFFD.
 */
export function csvText(
  columns: readonly string[],
  rows: readonly (readonly (string | number | null)[])[],
): string {
  return [columns, ...rows].map((row) => `${row.map(cell).join(',')}\r\n`).join('')
}

function cell(value: string | number | null): string {
  if (value === null) return ''
  if (typeof value === 'number') return String(value)
  const harmless = value.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, '\ufffd')
  const text = /^\s*[=+\-@\uff1d\uff0b\uff0d\uff20\ufffd]/.test(harmless)
    ? `'${harmless}`
    : harmless
  return /[",\s']/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
