/** Prints one's clusters as they change, until Ctrl-C. */
import { basic, createGatewayClient } from '../src/index.ts'

const { GATEWAY = 'http://127.0.0.1:8000', NAME = '', PASSWORD = '' } = process.env
const gateway = createGatewayClient({ address: GATEWAY, auth: basic(NAME, PASSWORD) })

const interrupted = new AbortController()
process.once('SIGINT', () => interrupted.abort())
try {
  for await (const change of gateway.watch({ signal: interrupted.signal })) {
    if (change.type === 'snapshot') console.log(`${change.clusters.length} clusters`)
    else if (change.type === 'cluster') console.log(change.cluster.name, change.cluster.status)
    else console.log(change.name, 'is forgotten')
  }
} catch (error) {
  if (!interrupted.signal.aborted) throw error
  console.log('done')
}
