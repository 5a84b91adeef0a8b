import type { ClusterInfo, GatewayClient } from '../src/index.ts'
import { GatewayError } from '../src/index.ts'
import { UsageError } from './exit-codes.ts'

const shortest = 3

/** The cluster that a person means: a whole name, or a beginning that only one has. */
export async function clusterNamed(
  gateway: GatewayClient,
  given: string,
  who: 'own' | 'any',
  signal: AbortSignal,
): Promise<string> {
  if (/^[0-9a-f]{32}$/.test(given)) return given
  if (!/^[0-9a-f]{1,31}$/.test(given))
    throw new UsageError(
      `"${given.slice(0, 300)}" is no name of a cluster: those are 32 digits of 0-9 and a-f`,
    )
  if (given.length < shortest)
    throw new UsageError(`"${given}" is too short: give at least ${shortest} digits of the name`)
  const query = { search: given, limit: 1000 }
  const { clusters } = await (who === 'own'
    ? gateway.clusters(query, { signal })
    : gateway.admin.clusters(query, { signal }))
  const found = clusters.filter(({ name }: ClusterInfo) => name.startsWith(given))
  // Of several, one that lives is meant rather than those that have ended.
  const living = found.filter(({ stop_time }) => stop_time === null)
  const [only, second] = found.length > 1 && living.length > 0 ? living : found
  if (only === undefined)
    throw new GatewayError('not-found', `No cluster's name begins with ${given}`)
  if (second !== undefined)
    throw new UsageError(`Several clusters' names begin with ${given}: give more of it`)
  return only.name
}
