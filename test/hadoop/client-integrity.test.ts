import { join } from 'node:path'
import { testsInHadoopMachine } from '../support/hadoop.ts'

testsInHadoopMachine(join(import.meta.dirname, 'client.scenario.ts'), {
  security: 'kerberos',
  protection: 'integrity',
  dataProtection: 'integrity',
  hdfs: { 'dfs.blocksize': 1 << 20 },
})
