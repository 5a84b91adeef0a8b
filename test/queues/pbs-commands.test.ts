import { join } from 'node:path'
import { testsInPbsMachine } from '../support/pbs-machine.ts'

// What stands in for qsub, qstat and qdel answers as a real OpenPBS did: pbs-commands.scenario.ts asks it what was asked there.

testsInPbsMachine(join(import.meta.dirname, 'pbs-commands.scenario.ts'))
