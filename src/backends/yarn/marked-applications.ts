import { GatewayError } from '../../core/index.ts'
import { type ApplicationReport, applicationIdText } from '../../hadoop/index.ts'
import type { Marked } from '../backend-driver.ts'
import { oldServerName, readJobName } from '../job-queue/job-name.ts'
import { openHadoop, silent } from './hadoop-place.ts'
import { liveStates } from './live-states.ts'
import type { YarnValues } from './settings.ts'

const limitMs = 45_000
/** Where it is set, YARN shows each account its own applications alone; else all of everybody's, but for their diagnostics. */
const hiding = 'yarn.webapp.filter-entity-list-by-user'

/** Applications that have not ended and bear the tag of any gateway's, or are the old server's, whoever their user is. */
export async function findMarkedApplications(values: YarnValues): Promise<readonly Marked[]> {
  const place = await openHadoop(values, silent)
  try {
    if (place.configuration.flag(hiding))
      throw new GatewayError(
        'upstream',
        `YARN hides the applications of others from the gateway's account (${hiding} in yarn-site.xml): which of them no record knows cannot be told here; an administrator of YARN sees them by: yarn application -list -appTypes dask`,
      )
    const query = { types: ['dask', 'skein'], states: [...liveStates] }
    return markedOf(await place.manager.as().applications(query, { limitMs }))
  } finally {
    place.close()
  }
}

/** Pure. */
export function markedOf(reports: readonly ApplicationReport[]): readonly Marked[] {
  return reports.flatMap(({ applicationId, applicationType, name = '', tags = [], user }) => {
    const read = tags.map(readJobName).find((each) => each !== null)
    const isOld = applicationType === 'skein' && name === oldServerName
    if (read === undefined && !isOld) return []
    const [, clusterName = null] = /^dask-gateway ([0-9a-f]{32})$/.exec(name) ?? []
    return {
      what: `application ${applicationIdText(applicationId ?? {})} of ${user}`,
      owner: null,
      instanceId: read?.instanceId ?? null,
      attemptId: read?.attemptId ?? null,
      clusterName,
    }
  })
}
