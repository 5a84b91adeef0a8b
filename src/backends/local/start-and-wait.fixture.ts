// Run by a test as a gateway that is killed: starts a cluster's scheduler, tells the handle, and waits for its end.
import { text } from 'node:stream/consumers'
import type { BackendContext } from '../../core/index.ts'
import { accountOfEachUser, oneAccount } from './accounts.ts'
import { createLocalBackend } from './local-backend.ts'

const { each, user, values, context, cluster } = JSON.parse(await text(process.stdin))
const silent = { debug() {}, info() {}, warn() {}, error() {}, with: () => silent }
const full: BackendContext = { ...context, wake() {}, logger: silent }
const backend = createLocalBackend(values, each ? accountOfEachUser : oneAccount(user), full)
const signal = AbortSignal.timeout(60_000)
await backend.start(signal)
process.stdout.write(`${JSON.stringify(await backend.startScheduler(cluster, signal))}\n`)
setTimeout(() => process.exit(1), 60_000)
