import { join } from 'node:path'
import { resourceManagerRecovery, testsInHadoopMachine } from '../support/hadoop.ts'

// A gateway with clusters on a real YARN without Kerberos; yarn.scenario.ts runs inside its machine.
testsInHadoopMachine(join(import.meta.dirname, 'yarn.scenario.ts'), {
  yarn: resourceManagerRecovery,
})
