import { join } from 'node:path'
import { testsInHadoopMachine } from '../support/hadoop.ts'

// Blocks are encrypted by the key of the cluster, which needs no Kerberos.
testsInHadoopMachine(join(import.meta.dirname, 'client.scenario.ts'), {
  version: '3.5.0',
  hdfs: {
    'dfs.blocksize': 1 << 20,
    'dfs.encrypt.data.transfer': true,
    'dfs.block.access.token.enable': true,
  },
})
