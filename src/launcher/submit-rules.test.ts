import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseRequest } from './parse-request.ts'
import type { Manager } from './protocol.ts'
import { checkJob } from './submit-rules.ts'

const job = { name: 'dg-1', script: '#!/bin/bash\n', log: 'log' }
const check = (manager: Manager, change: object) =>
  checkJob(manager, { ...job, ...change }, '/home/alice/d', null)

describe('a directive', () => {
  const ways = {
    'at the head': '#SBATCH --partition=x',
    'after what qsub takes for no command': ':\n#PBS -q x',
    'after a line that goes on for qsub': '# \\\nid\n#PBS -q x',
    'after a second interpreter': '#!/bin/sh\n\t #PBS -q x',
    'where it would be forgotten': 'umask 077\nsource environment\n#SBATCH --time=10\n',
  }
  for (const [name, lines] of Object.entries(ways))
    test(`${name} is refused`, () =>
      assert.throws(
        () => check('pbs', { script: `#!/bin/bash\n${lines}\n` }),
        /holds "#(SBATCH|PBS) -.*"; there are settings/,
      ))

  test('is not what only looks like one', () => {
    const script = '#!/bin/bash\n# PBS has this environment\necho "#PBS -q x"\n'
    for (const manager of ['slurm', 'pbs'] as const) check(manager, { script })
  })
})

describe('an extra argument', () => {
  const refused = {
    slurm: ['-w/home/alice/.ssh/id', '--nodefile=/x', '-F/x', '--bbf=/x', '--exclude=/x'],
    pbs: [
      '-Wblock=true',
      '-W interactive=true',
      '-Wstagein=.bashrc@host:/tmp/x',
      '-W',
      '--version',
    ],
  }
  for (const manager of ['slurm', 'pbs'] as const)
    for (const argument of [...refused[manager], '-W group_list=a,block=true'])
      test(`${argument} is refused for ${manager}`, () =>
        assert.throws(() => check(manager, { extraArguments: [argument] }), /extra argument/))

  test('that changes only the job is passed', () => {
    check('slurm', { extraArguments: ['--exclusive', '--constraint=a', '-H', '--nice=5'] })
    check('pbs', { extraArguments: ['-lplace=scatter', '-Wdepend=afterok:1.pbs:2', '-p5'] })
  })
})

test('nodes are named, not read from a file', () => {
  const request = (nodelist: string) =>
    JSON.stringify({
      ...{ verb: 'submit', manager: 'slurm', files: {} },
      staging: { root: '/x', cluster: '0'.repeat(32) },
      jobs: [{ ...job, cores: 1, memoryBytes: 1, nodelist }],
    })
  parseRequest(request('n[1-4],gpu7'))
  assert.throws(() => parseRequest(request('./nodes')), /nodelist must be names of nodes/)
})
