import { join } from 'node:path'
import { testsInPbsMachine } from '../support/pbs-machine.ts'

// A kill -9 of the gateway before and after each thing it does in a cluster's life, as on Slurm, on the commands in place of PBS's.
testsInPbsMachine(join(import.meta.dirname, 'pbs-crashes.scenario.ts'))
