import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ask } from '../../test/support/ask.ts'
import { asUser, load, session } from '../load.ts'
import { clustersOf, recordedDirectory } from '../records.ts'
import { inRounds, type Row } from '../row.ts'
import { type Kind, type Server, startServer } from '../servers.ts'
import { loadFigures } from './load-figures.ts'

export const dashboards: Row = {
  name: 'dashboards',
  title: 'Requests to a dashboard',
  note: `\`wrk -t1 -c32\` for a page of 2 kB. The old server's proxy sends them straight to the dashboard and asks nobody for a login;
ours go through the proxy (the hop) and the gateway, by the session that a browser is given.`,
  async measure(bench) {
    const page = Buffer.alloc(2048, 'x')
    const dashboard = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/plain', 'content-length': page.length })
      response.end(page)
    }).listen(0, '127.0.0.1')
    await once(dashboard, 'listening')
    bench.atEnd(() => {
      dashboard.close()
      dashboard.closeAllConnections()
    })
    const { port } = dashboard.address() as AddressInfo
    const clusters = clustersOf('somebody', 1)
    const name = clusters[0]?.name ?? ''
    const start = async (kind: Kind) => {
      const reported = { schedulerPort: 9, dashboardPort: port }
      const directory = await recordedDirectory(bench, kind, clusters, reported)
      return startServer(bench, kind, { backend: 'idle', directory })
    }
    const servers = { old: await start('old'), ours: await start('ours') }
    const kinds = loadFigures('', 1)
    return inRounds(bench, servers, kinds, async (server) =>
      load(bench, server, await dashboardUrl(server, name)),
    )
  },
}

/** Where a browser of the cluster's owner ends up. */
async function dashboardUrl(server: Server, name: string): Promise<string> {
  const url = `${server.url}/clusters/${name}/page`
  if (server.kind === 'old') {
    await session(server, 'somebody')
    return url
  }
  const headers = { ...asUser('somebody'), accept: 'text/html' }
  const { headers: answer, status } = await ask(url, { headers })
  if (answer.location === undefined) throw new Error(`the dashboard answered ${status}`)
  return new URL(answer.location, server.url).href
}
