import { join } from 'node:path'
import { testsInHadoopMachine, twoNameNodes, twoResourceManagers } from '../support/hadoop.ts'

// Two ResourceManagers and two NameNodes, with Kerberos and nothing encrypted; yarn-failover.scenario.ts runs inside their machine.
testsInHadoopMachine(join(import.meta.dirname, 'yarn-failover.scenario.ts'), {
  ...{ security: 'kerberos', protection: 'authentication' },
  ...twoNameNodes,
  yarn: twoResourceManagers,
})
