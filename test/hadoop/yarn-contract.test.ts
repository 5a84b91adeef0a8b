import { join } from 'node:path'
import { testsInHadoopMachine } from '../support/hadoop.ts'

// The contract of backends, kept by YarnBackend on a real YARN; yarn-contract.scenario.ts runs inside its machine.
testsInHadoopMachine(join(import.meta.dirname, 'yarn-contract.scenario.ts'), {
  ...{ security: 'kerberos', protection: 'integrity' },
})
