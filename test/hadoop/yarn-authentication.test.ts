import { join } from 'node:path'
import { testsInHadoopMachine } from '../support/hadoop.ts'

// With Kerberos, and nothing encrypted; yarn-authentication.scenario.ts runs inside its machine.
testsInHadoopMachine(join(import.meta.dirname, 'yarn-authentication.scenario.ts'), {
  ...{ security: 'kerberos', protection: 'authentication' },
})
