import { join } from 'node:path'
import { amrmKeyRoll, resourceManagerRecovery, testsInHadoopMachine } from '../support/hadoop.ts'

// What is to hold while the gateway is away; yarn-away.scenario.ts runs inside its machine.
testsInHadoopMachine(join(import.meta.dirname, 'yarn-away.scenario.ts'), {
  ...{ security: 'kerberos', protection: 'privacy', dataProtection: 'privacy' },
  yarn: { ...resourceManagerRecovery, ...amrmKeyRoll },
})
