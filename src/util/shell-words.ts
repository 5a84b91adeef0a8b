/**
 * Splits a command as a POSIX shell splits words: blanks, quotes and backslashes count, and nothing is expanded
 * (XCU 2.2 and 2.3). Throws a `SyntaxError` when a quote is not closed.
 */
export function shellWords(text: string): string[] {
  const words: string[] = []
  let rest = text.trimStart()
  while (rest !== '') {
    const { word, length } = firstWord(rest)
    words.push(word)
    rest = rest.slice(length).trimStart()
  }
  return words
}

/** One argument in quotes that a POSIX shell reads back as it is. */
export function shellQuoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`
}

// In turn: plain characters, '…', "…", backslash and newline (a continued line), backslash and a character.
const part = /([^\s'"\\]+)|'([^']*)'|"((?:[^"\\]|\\.)*)"|(\\\n)|\\(.)/sy

function firstWord(text: string): { word: string; length: number } {
  let word = ''
  part.lastIndex = 0
  let length = 0
  while (length < text.length && !/\s/.test(text.charAt(length))) {
    part.lastIndex = length
    const match = part.exec(text)
    if (match === null) throw new SyntaxError(`no closing quotation after ${text.slice(length)}`)
    const [whole, plain, single, double, , escaped] = match
    word += plain ?? single ?? (double === undefined ? (escaped ?? '') : unescaped(double))
    length += whole.length
  }
  return { word, length }
}

/** Within double quotes a backslash quotes only these five; before another character it stays. */
function unescaped(text: string): string {
  return text.replace(/\\([$`"\\\n])/g, (_, character) => (character === '\n' ? '' : character))
}
