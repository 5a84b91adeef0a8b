// Run by yarn-contract.test.ts inside a machine with Hadoop.
import { after } from 'node:test'
import { backendContract, type Stopping } from '../contracts/backend.ts'
import { hadoopLogs } from '../support/hadoop.ts'
import { yarnUnderTest } from '../support/yarn-under-test.ts'

const signal = AbortSignal.timeout(600_000)

// YARN signals the process group of a container, and kills it a quarter of a second later.
const stopping: Stopping = { signals: [], findsOrphans: false }
backendContract('YarnBackend', () => yarnUnderTest('alice', signal), stopping)

after(async () => {
  if (process.env.HADOOP_SHOW_LOGS !== undefined) console.log(await hadoopLogs())
})
