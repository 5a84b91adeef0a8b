import { join } from 'node:path'
import { testsInSlurmMachine } from '../support/slurm-machine.ts'

// The contract of backends, kept by SlurmBackend on a real Slurm; slurm-contract.scenario.ts runs inside its machine.
testsInSlurmMachine(join(import.meta.dirname, 'slurm-contract.scenario.ts'))
