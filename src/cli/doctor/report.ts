import type { NamedFinding, Result } from './checkup.ts'

const results: readonly Result[] = ['ok', 'warning', 'failed']

/** The worst of all. */
export function resultOf(findings: readonly NamedFinding[]): Result {
  return results.findLast((result) => findings.some((each) => each.result === result)) ?? 'ok'
}

/** For programs: every member is always there. */
export function jsonReport(findings: readonly NamedFinding[], version: string): string {
  const checks = findings.map(({ name, result, sentence, advice, details }) => ({
    ...{ name, result, sentence, advice },
    details: details ?? [],
  }))
  return `${JSON.stringify({ result: resultOf(findings), version, checks }, null, 2)}\n`
}

/** For people: a line for each check, and what to do below it. */
export function textReport(findings: readonly NamedFinding[], columns: number): string {
  const nameWidth = Math.max(...findings.map(({ name }) => name.length))
  const resultWidth = Math.max(...results.map((each) => each.length))
  const indent = resultWidth + nameWidth + 4
  const width = Math.max(40, columns - indent)
  const lines = findings.flatMap(({ name, result, sentence, advice, details = [] }) => {
    const [first = '', ...rest] = [
      ...wrapped(sentence, width),
      ...details.map((each) => `- ${each}`),
      ...(advice === null ? [] : wrapped(`→ ${advice}`, width)),
    ]
    const head = `${result.padEnd(resultWidth)}  ${name.padEnd(nameWidth)}  ${first}`
    return [head, ...rest.map((line) => ' '.repeat(indent) + line)]
  })
  const count = (result: Result) => findings.filter((each) => each.result === result).length
  const summary = `${count('ok')} ok, ${count('warning')} to look at, ${count('failed')} failed`
  return `${[...lines, '', summary].join('\n')}\n`
}

/** Words longer than a line stay whole: people copy paths and commands. */
function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(/\s+/)) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = ''
    }
    line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}
