import { join } from 'node:path'
import { testsInHadoopMachine } from '../support/hadoop.ts'

testsInHadoopMachine(join(import.meta.dirname, 'client.scenario.ts'), {
  security: 'kerberos',
  protection: 'privacy',
  dataProtection: 'privacy',
  hdfs: { 'dfs.blocksize': 1 << 20 },
})
