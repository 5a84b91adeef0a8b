import { load, session } from '../load.ts'
import { inRounds, type Row } from '../row.ts'
import { startBoth } from '../servers.ts'
import { loadFigures } from './load-figures.ts'

export const options: Row = {
  name: 'options',
  title: '`GET options`',
  note: '`wrk -t1 -c32` through the public port, by the cookie of a session.',
  async measure(bench) {
    const servers = await startBoth(bench, { backend: 'idle' })
    return inRounds(bench, servers, loadFigures('', 3), async (server) =>
      load(bench, server, `${server.url}/api/v1/options`, {
        headers: await session(server, 'somebody'),
      }),
    )
  },
}
