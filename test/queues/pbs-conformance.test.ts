import { join } from 'node:path'
import { testsOnPbs } from '../support/pbs-machine.ts'

// What the gateway takes for granted of qsub, qstat and qdel, tried on a PBS, where this machine has one, or on the commands in its
// place, which must not differ. docs/job-queues.md tells an administrator how to run it.
await testsOnPbs(join(import.meta.dirname, 'pbs-conformance.scenario.ts'))
