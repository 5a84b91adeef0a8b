// What is not seen, or turns the direction of writing, so that a text looks like another (Unicode Cc, Cf, Zl, Zp, Cs; UTS 39). The joiner
// of emoji, tabs and ends of lines are let be.
const unseen = /(?![\u200d\t\n])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

/** A text of anybody: nothing in it can hide, or change how the text around it is read. */
export function visibleText(text: string): string {
  return text.replace(unseen, (character) => {
    const code = character.codePointAt(0) ?? 0
    // Unicode has pictures of the first 32.
    if (code < 0x20) return String.fromCharCode(0x2400 + code)
    return `\\u{${code.toString(16)}}`
  })
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they begin with one
const colours = /\x1b\[[0-9;:]*[mK]/g
const maxLineLength = 8192

/** A line of a log: without the colours of terminals, and not without end. */
export function logLine(line: string): string {
  const plain = line.replace(/\r$/, '').replace(colours, '')
  return plain.length > maxLineLength
    ? `${plain.slice(0, maxLineLength)} … (${plain.length - maxLineLength} more characters)`
    : plain
}
