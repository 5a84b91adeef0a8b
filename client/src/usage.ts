import type { Calling, UsageQuery } from './admin-client.ts'
import type { Connection } from './connection.ts'
import type { Usage } from './types.ts'

/** How usage is asked for, one's own and everybody's. */
export function usageCalls(connection: Connection, path: string) {
  const queryOf = ({ by, ...rest }: UsageQuery) => ({ ...rest, by: by?.join(',') })
  return {
    usage: (query: UsageQuery = {}, calling: Calling = {}): Promise<Usage> =>
      connection.json(path, { query: queryOf(query), ...calling }),
    async usageCsv(query: UsageQuery = {}, calling: Calling = {}): Promise<string> {
      const asked = { ...queryOf(query), format: 'csv' }
      return (await connection.request(path, { query: asked, ...calling })).text()
    },
  }
}
