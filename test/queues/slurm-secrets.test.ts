import { join } from 'node:path'
import { testsInSlurmMachine } from '../support/slurm-machine.ts'

// What another user of a real Slurm can see; slurm-secrets.scenario.ts runs inside its machine.
testsInSlurmMachine(join(import.meta.dirname, 'slurm-secrets.scenario.ts'))
