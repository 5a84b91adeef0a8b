// What a terminal would obey instead of showing it: control characters (ECMA-48: C0, DEL and C1), what turns the direction
// of writing or is not seen (Unicode Cf), separators of lines, and halves of characters. The joiner of emoji is let be.
const obeyed = /(?!\u200d)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

/** A text of somebody else, for one line of a terminal: nothing in it can do more than be read. */
export function safeLine(text: string): string {
  return text.replace(obeyed, escapeOf)
}

/** The same for a text that may have lines and tabs. */
export function safeText(text: string): string {
  return text.replace(obeyed, (character) =>
    character === '\n' || character === '\t' ? character : escapeOf(character),
  )
}

/** JSON that is safe to show: it stays JSON. */
export function safeJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(obeyed, (character) =>
    character === '\n' ? character : jsonEscapeOf(character),
  )
}

function escapeOf(character: string): string {
  if (character === '\n') return '\\n'
  if (character === '\r') return '\\r'
  if (character === '\t') return '\\t'
  const code = character.codePointAt(0) ?? 0
  return code < 0x100 ? `\\x${hex(code, 2)}` : `\\u{${code.toString(16)}}`
}

function jsonEscapeOf(character: string): string {
  let escaped = ''
  for (let at = 0; at < character.length; at++) escaped += `\\u${hex(character.charCodeAt(at), 4)}`
  return escaped
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, '0')
}
