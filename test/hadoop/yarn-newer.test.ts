import { join } from 'node:path'
import { testsInHadoopMachine } from '../support/hadoop.ts'

// A cluster on the other version, without ACLs; yarn-newer.scenario.ts runs inside its machine.
testsInHadoopMachine(join(import.meta.dirname, 'yarn-newer.scenario.ts'), {
  version: '3.5.0',
  yarn: { 'yarn.acl.enable': false },
})
