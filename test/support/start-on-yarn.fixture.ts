// A gateway that starts a cluster's scheduler on YARN and says what it was answered. Its test kills it then.
import { json } from 'node:stream/consumers'
import type { Cluster } from '../../src/core/index.ts'
import { makeYarnBackend, type YarnGatewayState } from './yarn-under-test.ts'

const signal = AbortSignal.timeout(60_000)
const { state, cluster } = (await json(process.stdin)) as {
  readonly state: YarnGatewayState
  readonly cluster: Cluster
}
const backend = makeYarnBackend(state)
await backend.start(signal)
const outcome = await backend.startScheduler(cluster, signal)
process.stdout.write(JSON.stringify(outcome), () => setInterval(() => undefined, 1000))
