import type { Marked } from '../../backends/index.ts'
import type { Configuration } from '../../config/index.ts'
import type { StoreInspection } from '../../store/index.ts'
import { driverOf } from '../parts.ts'
import { type Finding, ok, warning } from './checkup.ts'

/** Lists what no record knows, and what belongs to other gateways. Touches nothing. */
export async function checkOrphans(
  configuration: Configuration,
  found: StoreInspection,
): Promise<Finding> {
  const driver = driverOf(configuration)
  if (driver.findMarked === undefined)
    return ok(`${driver.settings.name} starts nothing on this machine`)
  const values = configuration.get(driver.settings)
  return judgeMarked(await driver.findMarked(values, found.stateDirectory), found.records)
}

/** Pure. */
export function judgeMarked(
  marked: readonly Marked[],
  records: StoreInspection['records'],
): Finding {
  const clusters = new Map<string, string[]>()
  for (const each of marked) {
    const whose = whoseOrphan(each, records)
    if (whose !== null) clusters.set(whose, [...(clusters.get(whose) ?? []), each.what])
  }
  if (clusters.size === 0)
    return ok(
      'Every process, directory, job and application of a cluster that can be seen here belongs to a record',
    )
  return {
    ...warning(
      'There are processes, directories, jobs or applications of clusters here that this gateway does not know',
      "A running gateway ends those of its own instance after DBBackendBase.sweep_min_age. Those of another instance are another gateway's, or of one whose records are gone: then end and remove them by hand.",
    ),
    // A queue may tell of jobs in any order.
    details: [...clusters].map(([whose, what]) => `${whose}: ${shortened(what)}`).toSorted(),
  }
}

const mostNamed = 20

function shortened(what: readonly string[]): string {
  const rest = what.length - mostNamed
  return `${what.slice(0, mostNamed).join(', ')}${rest > 0 ? `, and ${rest} more` : ''}`
}

/** null: a record knows it. */
function whoseOrphan(each: Marked, records: StoreInspection['records']): string | null {
  const { instanceId, attemptId, clusterName } = each
  if (instanceId === null) return 'named as by the old server'
  const cluster = clusterName === null ? '' : `cluster ${clusterName}`
  if (instanceId !== records?.instance.id)
    return `${cluster || 'clusters'} of another instance (${instanceId})`
  if (attemptId !== null)
    return records.attemptIds.has(attemptId)
      ? null
      : `${cluster && `${cluster}, `}attempt ${attemptId}, which no record knows`
  const known = records.clusters.some(({ name }) => name === clusterName)
  return known ? null : `cluster ${clusterName}, which no record knows`
}
