import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLogger, logLevelOf } from './logger.ts'

function lines(format: 'text' | 'json') {
  const written: string[] = []
  return {
    written,
    logger: createLogger({ level: 'info', format, write: (line) => written.push(line) }),
  }
}

test('a line for people carries fields, and below the level nothing is written', () => {
  const { written, logger } = lines('text')
  logger.debug('no')
  logger.with({ cluster: 'abc' }).info('Started', { user: 'a b', count: 3, nothing: undefined })
  assert.equal(written.length, 1)
  assert.match(written[0] ?? '', /^\[I [\d-]+ [\d:.]+\] Started cluster=abc user="a b" count=3\n$/)
})

test('control characters and escapes of users never reach a terminal', () => {
  const { written, logger } = lines('text')
  logger.info('name \u001b[31m\u202e', { user: '\u001b]0;x\u0007', error: new Error('a\u001b[1m') })
  for (const line of written) assert.doesNotMatch(line.trimEnd(), /[\p{Cc}\p{Cf}]/u)
})

test('JSON lines are one object each', () => {
  const { written, logger } = lines('json')
  logger.error('Broken', { error: new Error('why'), list: [1] })
  const parsed = JSON.parse(written[0] ?? '')
  assert.equal(parsed.level, 'error')
  assert.equal(parsed.message, 'Broken')
  assert.match(parsed.error, /why/)
  assert.deepEqual(parsed.list, [1])
})

test('levels by name and by number, as Python has them', () => {
  for (const [value, level] of [
    ['INFO', 'info'],
    ['Warning', 'warn'],
    [10, 'debug'],
    [0, 'debug'],
    ['40', 'error'],
    [50, 'critical'],
    ['loud', null],
  ] as const)
    assert.equal(logLevelOf(value), level, String(value))
})
