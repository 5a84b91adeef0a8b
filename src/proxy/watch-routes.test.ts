import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createLogger } from '../util/index.ts'
import { createRouteTable } from './route-table.ts'
import { watchRoutes } from './watch-routes.ts'
import { watchServer } from './watch-server.fixture.ts'

const route = (clusterName: string, port = 8786) => ({ clusterName, host: '10.0.0.1', port })

/** A watching proxy whose routes can be looked at; ended at the end of the test. */
function watching(t: TestContext, gatewayUrl: string, token = 'secret') {
  const routes = new Map<string, number>()
  const lines: string[] = []
  const upToDate: boolean[] = []
  const end = new AbortController()
  const log = createLogger({ level: 'warn', format: 'text', write: (line) => lines.push(line) })
  const put = (each: ReturnType<typeof route>) => routes.set(each.clusterName, each.port)
  const running = watchRoutes(
    { gatewayUrl, token, proxyName: 'p', log, silenceMs: 300, firstBackoffMs: 10 },
    {
      put,
      remove: (name) => routes.delete(name),
      replaceAll(all) {
        routes.clear()
        all.forEach(put)
      },
      upToDate(is) {
        if (upToDate.at(-1) !== is) upToDate.push(is)
      },
    },
    end.signal,
  )
  t.after(async () => {
    end.abort()
    await running
  })
  return { routes, lines, upToDate }
}

async function until(condition: () => boolean): Promise<void> {
  const endsAtMs = performance.now() + 10_000
  while (!condition()) {
    assert.ok(performance.now() < endsAtMs, `still not: ${condition}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

test('routes are learned, acknowledged, kept while the gateway is away, and replaced by another run', async (t) => {
  const table = createRouteTable({ maxEvents: 10, pingPeriodMs: 50 })
  table.put(route('a'))
  const server = await watchServer(table, 'secret')
  const { routes, upToDate } = watching(t, server.url)
  await until(() => table.proxies().length === 1)
  assert.deepEqual(await table.whenAcknowledged(table.put(route('b')), 5_000), [])
  assert.deepEqual([...routes.keys()], ['a', 'b'])
  assert.deepEqual(await table.whenAcknowledged(table.remove('a'), 5_000), [])
  assert.deepEqual([...routes.keys()], ['b'])

  await server.stop()
  table.put(route('c'))
  const again = await watchServer(table, 'secret', server.port)
  await until(() => routes.has('c'))
  assert.deepEqual([...routes.keys()], ['b', 'c'])

  await again.stop()
  const fresh = createRouteTable({ maxEvents: 10, pingPeriodMs: 50 })
  fresh.put(route('c', 1))
  const restarted = await watchServer(fresh, 'secret', server.port)
  t.after(() => restarted.stop())
  await until(() => fresh.proxies()[0]?.version === 1)
  assert.deepEqual([...routes], [['c', 1]])
  assert.deepEqual(upToDate, [true, false, true, false, true])
})

test('a gateway that falls silent is asked anew', async (t) => {
  const table = createRouteTable({ maxEvents: 10, pingPeriodMs: 60_000 })
  let watches = 0
  const counted = {
    ...table,
    serveWatch: (...all: Parameters<typeof table.serveWatch>) => {
      watches++
      return table.serveWatch(...all)
    },
  }
  const server = await watchServer(counted, 'secret')
  t.after(() => server.stop())
  watching(t, server.url)
  await until(() => watches >= 2)
})

test('a refused token is told, and never shown', async (t) => {
  const server = await watchServer(createRouteTable({ maxEvents: 1 }), 'secret')
  t.after(() => server.stop())
  const { lines } = watching(t, server.url, 'wrong-token')
  await until(() => lines.length > 0)
  assert.match(lines.join(), /Proxy\.api_token differs/)
  assert.doesNotMatch(lines.join(), /wrong-token/)
})
