import { once } from 'node:events'
import { createServer } from 'node:http'
import type { RouteFeed } from '../core/index.ts'

/** The gateway's side of the wire in `core/route-table.ts`, for tests. `feed` may be replaced: a restart. */
export async function watchServer(feed: RouteFeed, token: string, port = 0) {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://gateway')
    if (request.headers.authorization !== `token ${token}`) response.writeHead(401).end()
    else if (url.pathname === '/api/v1/routes/ack') {
      let body = ''
      request.setEncoding('utf8').on('data', (text) => {
        body += text
      })
      request.on('end', () => {
        const { proxy, epoch, version } = JSON.parse(body)
        response.writeHead(feed.acknowledge(proxy, epoch, version) ? 204 : 409).end()
      })
    } else if (url.pathname === '/api/v1/routes/tunnels') {
      let body = ''
      request.setEncoding('utf8').on('data', (text) => {
        body += text
      })
      request.on('end', () => {
        const { proxy, epoch, open } = JSON.parse(body)
        const isTaken = feed.reportTunnels(proxy, epoch, new Map(Object.entries(open)))
        response.writeHead(isTaken ? 204 : 409).end()
      })
    } else if (url.pathname === '/api/v1/routes' && url.searchParams.get('watch') === '1') {
      const since = url.searchParams.get('since')
      const watched = feed.serveWatch(
        {
          proxyName: url.searchParams.get('proxy') ?? '',
          epoch: url.searchParams.get('epoch'),
          since: since === null ? null : Number(since),
        },
        (line) => response.write(line),
        () => response.destroy(),
      )
      response.on('close', watched.close)
    } else response.writeHead(404).end()
  }).listen(port, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('no port')
  return {
    port: address.port,
    url: `http://127.0.0.1:${address.port}`,
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
