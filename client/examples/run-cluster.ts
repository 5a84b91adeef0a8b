/** Begins a cluster, waits until it runs, has two workers, reads its log and events, and ends it. */
import { basic, createGatewayClient, GatewayError, linesOf } from '../src/index.ts'

const { GATEWAY = 'http://127.0.0.1:8000', NAME = '', PASSWORD = '' } = process.env
const gateway = createGatewayClient({ address: GATEWAY, auth: basic(NAME, PASSWORD) })

for (const { field, default: value } of await gateway.options()) console.log(field, value)

const name = await gateway.create({})
try {
  const cluster = await gateway.waitUntilRunning(name, {
    signal: AbortSignal.timeout(120_000),
    onChange: ({ status, pending_reason }) => console.log(status, pending_reason ?? ''),
  })
  console.log('dashboard:', gateway.dashboardUrl(cluster))

  const { ok, msg } = await gateway.scale(name, 2)
  console.log(ok ? 'two workers are on their way' : msg)

  for await (const line of linesOf(gateway.followLogs(name, { tail: 3 }))) {
    console.log('log:', line)
    break
  }
} catch (error) {
  if (error instanceof GatewayError && error.code === 'conflict') console.log(error.message)
  else throw error
} finally {
  await gateway.stop(name)
}
await gateway.waitUntilEnded(name, { signal: AbortSignal.timeout(120_000) })
for (const { kind, message } of await gateway.events(name)) console.log('event:', kind, message)
