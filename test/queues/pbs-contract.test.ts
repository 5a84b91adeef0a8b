import { join } from 'node:path'
import { testsInPbsMachine } from '../support/pbs-machine.ts'

// The contract of backends, kept by PBSBackend on the commands in place of PBS's; pbs-contract.scenario.ts runs inside their machine.
testsInPbsMachine(join(import.meta.dirname, 'pbs-contract.scenario.ts'))
