import { UsageError } from './exit-codes.ts'

const limitBytes = 64 * 1024

/** A line that a person types, without showing it where it is `secret`. Without a terminal: the next line of standard input. */
export async function askLine(
  question: string,
  secret: boolean,
  signal: AbortSignal,
): Promise<string> {
  const { stdin, stderr } = process
  const hides = secret && stdin.isTTY
  if (hides) stdin.setRawMode(true)
  if (stdin.isTTY) stderr.write(question)
  try {
    return await readLine(hides, signal)
  } finally {
    if (hides) {
      stdin.setRawMode(false)
      stderr.write('\n')
    }
    stdin.pause()
  }
}

let rest = ''

/** In raw mode the terminal does nothing for us: Enter, Backspace, Ctrl-C and Ctrl-D come as characters. */
function readLine(raw: boolean, signal: AbortSignal): Promise<string> {
  const { stdin } = process
  return new Promise((resolve, reject) => {
    let line = ''
    const end = (act: () => void) => {
      stdin.off('data', take)
      stdin.off('end', over)
      signal.removeEventListener('abort', aborted)
      act()
    }
    const over = () =>
      end(() => (line === '' ? reject(new UsageError('Nothing was typed')) : resolve(line)))
    const aborted = () => end(() => reject(signal.reason))
    const take = (chunk: Buffer | string) => {
      const text = rest + String(chunk)
      rest = ''
      for (const [index, character] of [...text].entries()) {
        if (character === '\n' || character === '\r') {
          rest = [...text]
            .slice(index + 1)
            .join('')
            .replace(/^\n/, '')
          return end(() => resolve(line))
        }
        if (raw && character === '\x03') return void process.kill(process.pid, 'SIGINT')
        if (raw && character === '\x04') return over()
        if (raw && (character === '\x7f' || character === '\b'))
          line = [...line].slice(0, -1).join('')
        else line += character
        if (line.length > limitBytes)
          return end(() => reject(new UsageError('That line is too long')))
      }
    }
    stdin.on('data', take)
    stdin.once('end', over)
    signal.addEventListener('abort', aborted)
    if (rest !== '') take('')
    stdin.resume()
  })
}
