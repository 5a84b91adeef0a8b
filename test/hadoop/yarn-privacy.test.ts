import { join } from 'node:path'
import { resourceManagerRecovery, testsInHadoopMachine } from '../support/hadoop.ts'

// The same with Kerberos, and with everything encrypted.
testsInHadoopMachine(join(import.meta.dirname, 'yarn.scenario.ts'), {
  ...{ security: 'kerberos', protection: 'privacy', dataProtection: 'privacy' },
  yarn: resourceManagerRecovery,
})
