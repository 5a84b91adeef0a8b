import { join } from 'node:path'
import { testsInHadoopMachine } from '../support/hadoop.ts'

// A kill -9 of the gateway before and after each thing it does in a cluster's life on a real YARN, then a new start: no application is lost,
// and none is there twice. Many gateways at once, of two users. yarn-crashes.scenario.ts runs inside the machine.
testsInHadoopMachine(join(import.meta.dirname, 'yarn-crashes.scenario.ts'), {
  ...{ security: 'kerberos', protection: 'privacy', dataProtection: 'privacy' },
  yarn: { 'yarn.nodemanager.resource.cpu-vcores': 64 },
})
