import { load, session } from '../load.ts'
import { clustersOf, recordedDirectory } from '../records.ts'
import { type Figure, inRounds, type Row } from '../row.ts'
import { type Kind, startServer } from '../servers.ts'
import { loadFigures } from './load-figures.ts'

const sizes = [0, 100, 1000]
// Nobody listens there.
const reported = { schedulerPort: 9, dashboardPort: 9 }

export const clusters: Row = {
  name: 'clusters',
  title: '`GET clusters/`',
  note: 'The same, by users who own 0, 100 and 1,000 running clusters.',
  async measure(bench) {
    const all = sizes.flatMap((size) => clustersOf(`owner-of-${size}`, size))
    const start = async (kind: Kind) => {
      const directory = await recordedDirectory(bench, kind, all, reported)
      return startServer(bench, kind, { backend: 'idle', directory })
    }
    const servers = { old: await start('old'), ours: await start('ours') }
    const figures: Figure[] = []
    for (const size of sizes) {
      const kinds = loadFigures(`${size} clusters: `, size === 1000 ? 10 : 3)
      const measured = await inRounds(bench, servers, kinds, async (server) =>
        load(bench, server, `${server.url}/api/v1/clusters/`, {
          headers: await session(server, `owner-of-${size}`),
        }),
      )
      figures.push(...measured)
    }
    return figures
  },
}
