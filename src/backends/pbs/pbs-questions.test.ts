import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { pbsQuestions } from './pbs-questions.ts'

const [question = assert.fail()] = pbsQuestions

/** What a command of a real PBS printed. */
function recorded(name: string) {
  const path = join(import.meta.dirname, 'fixtures', `${name}.json`)
  const { returncode, stdout, stderr } = JSON.parse(readFileSync(path, 'utf8'))
  return { exitCode: returncode as number, stdout: String(stdout), stderr: String(stderr) }
}

test('a server that answers, with its version', () => {
  const { result, sentence } = question.judge(recorded('qstat-B-json'))
  assert.deepEqual([result, sentence], ['ok', 'The server pbs answers (PBS 23.06.06)'])
})

test('a server that hides jobs of others needs an operator', () => {
  const answer = recorded('qstat-B-json')
  const hides = answer.stdout.replace('"query_other_jobs":\t"True"', '"query_other_jobs":\t"False"')
  assert.equal(question.judge({ ...answer, stdout: hides }).result, 'ok')
  const none = hides.replace(/\t\t\t"operators".*\n/, '')
  assert.match(question.judge({ ...answer, stdout: none }).advice ?? '', /set server operators/)
})

test('a server that is away, in words of qstat', () => {
  const { result, sentence } = question.judge(recorded('down-qstat'))
  assert.equal(result, 'failed')
  assert.match(sentence, /cannot connect to server pbs/)
})
