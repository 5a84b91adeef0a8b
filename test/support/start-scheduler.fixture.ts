// Run by queue-under-test.ts as a gateway that is killed: starts a cluster's scheduler, tells the handle, and waits for its end.
import { text } from 'node:stream/consumers'
import type { Cluster } from '../../src/core/index.ts'
import { makeBackend, type QueueGatewayState } from './queue-under-test.ts'

const given: { readonly state: QueueGatewayState; readonly cluster: Cluster } = JSON.parse(
  await text(process.stdin),
)
const signal = AbortSignal.timeout(60_000)
const backend = makeBackend(given.state)
await backend.start(signal)
process.stdout.write(`${JSON.stringify(await backend.startScheduler(given.cluster, signal))}\n`)
setTimeout(() => process.exit(1), 60_000)
