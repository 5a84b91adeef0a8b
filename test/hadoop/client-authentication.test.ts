import { join } from 'node:path'
import { testsInHadoopMachine } from '../support/hadoop.ts'

testsInHadoopMachine(join(import.meta.dirname, 'client.scenario.ts'), {
  security: 'kerberos',
  protection: 'authentication',
  dataProtection: 'authentication',
  hdfs: { 'dfs.blocksize': 1 << 20 },
})
