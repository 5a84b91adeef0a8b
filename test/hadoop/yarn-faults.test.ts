import { join } from 'node:path'
import { preemption, resourceManagerRecovery, testsInHadoopMachine } from '../support/hadoop.ts'

// What goes wrong on a YARN with Kerberos and with everything encrypted; yarn-faults.scenario.ts runs inside its machine.
testsInHadoopMachine(join(import.meta.dirname, 'yarn-faults.scenario.ts'), {
  ...{ security: 'kerberos', protection: 'privacy', dataProtection: 'privacy' },
  hdfs: {
    'dfs.namenode.delegation.token.max-lifetime': 30_000,
    'dfs.namenode.delegation.token.renew-interval': 30_000,
  },
  yarn: {
    ...resourceManagerRecovery,
    ...preemption,
    'yarn.nm.liveness-monitor.expiry-interval-ms': 12_000,
  },
})
