import { join } from 'node:path'
import { testsOnPbs } from '../support/pbs-machine.ts'

// The contract of backends, kept by PBSBackend on a PBS, where this machine has one, or on the commands in its place.
await testsOnPbs(join(import.meta.dirname, 'pbs-contract.scenario.ts'))
