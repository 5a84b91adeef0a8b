import { join } from 'node:path'
import { testsInSlurmMachine } from '../support/slurm-machine.ts'

// A kill -9 of the gateway before and after each thing it does in a cluster's life on a real Slurm, then a new start: no job is lost, and
// none runs twice. Many gateways at once, of two users. slurm-crashes.scenario.ts runs inside the machine.
testsInSlurmMachine(join(import.meta.dirname, 'slurm-crashes.scenario.ts'), { nodes: 4 })
