import { join } from 'node:path'
import { amrmKeyRoll, resourceManagerRecovery, testsInHadoopMachine } from '../support/hadoop.ts'

testsInHadoopMachine(join(import.meta.dirname, 'fixture.scenario.ts'), {
  security: 'kerberos',
  yarn: { ...resourceManagerRecovery, ...amrmKeyRoll },
})
