import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { slurmQuestions } from './slurm-questions.ts'

const judged = (name: string, exitCode: number, stdout: string) => {
  const question = slurmQuestions.find((each) => each.name === name) ?? assert.fail(name)
  return question.judge({ exitCode, stdout, stderr: '' })
}

test('one controller that is up is enough', () => {
  const path = join(import.meta.dirname, 'fixtures/down-scontrol-ping.json')
  const { returncode, stdout } = JSON.parse(readFileSync(path, 'utf8'))
  const down = judged('queue: controller', returncode, stdout)
  assert.deepEqual(
    [down.result, down.sentence],
    ['failed', "Slurm's controller does not answer: Slurmctld(primary) at vm is DOWN"],
  )
  const backup = `${stdout}Slurmctld(backup) at other is UP\n`
  assert.equal(judged('queue: controller', 0, backup).sentence, 'Slurmctld(backup) at other is UP')
})

test('what a site should know of its configuration', () => {
  const site = (lines: string) => judged('queue: site', 0, lines)
  const usual = site('EnforcePartLimits       = ALL\nPrivateData             = none\n')
  assert.deepEqual([usual.result, usual.details], ['ok', []])
  const other = site('EnforcePartLimits       = NO\nPrivateData             = accounts,jobs\n')
  assert.deepEqual([other.result, other.details?.length], ['ok', 2])
  assert.equal(judged('queue: site', 1, '').result, 'warning')
})
