import { join } from 'node:path'
import { testsInSlurmMachine } from '../support/slurm-machine.ts'

testsInSlurmMachine(join(import.meta.dirname, 'slurm-fixture.scenario.ts'), {
  lines: ['EnforcePartLimits=ALL', 'SlurmdTimeout=10'],
  jobsPerUser: 30,
})
