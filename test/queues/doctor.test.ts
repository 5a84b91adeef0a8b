import { join } from 'node:path'
import { testsInSlurmMachine } from '../support/slurm-machine.ts'

testsInSlurmMachine(join(import.meta.dirname, 'doctor.scenario.ts'))
