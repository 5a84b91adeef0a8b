import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RouteLine } from '../core/index.ts'
import { createRouteTable } from './route-table.ts'

const route = (clusterName: string) => ({ clusterName, host: '10.0.0.1', port: 8786 })
const noReplacement = () => assert.fail('replaced')

function watch(
  table: ReturnType<typeof createRouteTable>,
  proxyName: string,
  epoch: string | null = null,
  since: number | null = null,
  onReplaced: () => void = noReplacement,
) {
  const lines: RouteLine[] = []
  const write = (line: string) => lines.push(JSON.parse(line))
  return { lines, ...table.serveWatch({ proxyName, epoch, since }, write, onReplaced) }
}

test('a new proxy gets a snapshot, then changes as they happen', () => {
  const table = createRouteTable({ maxEvents: 10 })
  const { epoch } = table.snapshot()
  table.put(route('a'))
  const { lines, close } = watch(table, 'p')
  assert.equal(table.put(route('b')), 2)
  assert.equal(table.remove('a'), 3)
  assert.equal(table.remove('never there'), 3)
  close()
  table.put(route('c'))
  assert.deepEqual(lines, [
    { type: 'snapshot', epoch, version: 1, routes: [route('a')] },
    { type: 'put', version: 2, route: route('b') },
    { type: 'remove', version: 3, clusterName: 'a' },
  ])
})

test('a proxy that comes back gets what it missed, or a snapshot when that is forgotten', () => {
  const table = createRouteTable({ maxEvents: 2 })
  const { epoch } = table.snapshot()
  for (const name of ['a', 'b', 'c']) table.put(route(name))
  const first = (since: number, of = epoch) => {
    const { lines, close } = watch(table, 'p', of, since)
    close()
    return lines
  }
  assert.deepEqual(first(1), [
    { type: 'put', version: 2, route: route('b') },
    { type: 'put', version: 3, route: route('c') },
    { type: 'current', epoch, version: 3 },
  ])
  assert.deepEqual(first(3), [{ type: 'current', epoch, version: 3 }])
  for (const lines of [first(0), first(4), first(-1), first(3, 'another run')])
    assert.equal(lines[0]?.type, 'snapshot')
})

test('a version is waited for until every connected proxy has it, and those missing are named', async () => {
  const table = createRouteTable({ maxEvents: 10 })
  const { epoch } = table.snapshot()
  assert.deepEqual(await table.whenAcknowledged(table.put(route('a')), 1_000), [])
  const [p, q] = [watch(table, 'p'), watch(table, 'q')]
  assert.equal(table.acknowledge('p', epoch, 1), true)
  assert.deepEqual(await table.whenAcknowledged(1, 10), ['q'])
  const waiting = table.whenAcknowledged(1, 60_000)
  table.acknowledge('q', epoch, 1)
  assert.deepEqual(await waiting, [])
  const version = table.put(route('b'))
  const untilGone = table.whenAcknowledged(version, 60_000)
  table.acknowledge('p', epoch, version)
  q.close()
  assert.deepEqual(await untilGone, [])
  assert.deepEqual(table.proxies(), [{ name: 'p', version }])
  p.close()
})

test('acknowledgements of nobody, of another run or of the future are refused', () => {
  const table = createRouteTable({ maxEvents: 10 })
  const { epoch } = table.snapshot()
  assert.equal(table.acknowledge('p', epoch, 0), false)
  const { close } = watch(table, 'p')
  assert.equal(table.acknowledge('p', 'another', 0), false)
  assert.equal(table.acknowledge('p', epoch, 1), false)
  assert.equal(table.acknowledge('p', epoch, 0), true)
  close()
})

test('a second watch of a proxy takes the place of the first', () => {
  const table = createRouteTable({ maxEvents: 10 })
  let replaced = 0
  const first = watch(table, 'p', null, null, () => replaced++)
  const second = watch(table, 'p')
  assert.equal(replaced, 1)
  first.close()
  assert.equal(table.proxies().length, 1)
  second.close()
  assert.equal(table.proxies().length, 0)
})
