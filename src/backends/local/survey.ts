import {
  listProcesses,
  ownerOf,
  type ProcessIdentity,
  type ProcessRecord,
  sameProcess,
  startVariable,
} from '../../util/index.ts'

/** In the environment of every process that a local backend starts; children inherit it. No secret. */
export const markerVariable = 'DASK_GATEWAY_MARKER'

export interface Marker {
  readonly instanceId: string
  readonly attemptId: string
  readonly clusterName: string
}

export function markerText(marker: Marker): string {
  return `${marker.instanceId}/${marker.attemptId}/${marker.clusterName}`
}

/** The machine's processes as seen once. */
export interface Survey {
  readonly processes: readonly ProcessRecord[]
  /** By pid: those of the account, not ended, that carry a marker of this instance. */
  readonly markers: ReadonlyMap<number, Marker>
  /** Those of the account: no other is ever signalled. */
  readonly owned: readonly ProcessRecord[]
}

/** Takes surveys. Those that are asked for while one is under way share the next. */
export function surveyor(instanceId: string, uid: number): () => Promise<Survey> {
  let running: Promise<unknown> = Promise.resolve()
  let next: Promise<Survey> | null = null
  return () => {
    next ??= running.then(() => {
      const survey = takeSurvey(instanceId, uid)
      running = survey.catch(() => undefined)
      next = null
      return survey
    })
    return next
  }
}

async function takeSurvey(instanceId: string, uid: number): Promise<Survey> {
  const processes = await listProcesses()
  const owned = processes.filter((each) => !each.ended && ownerOf(each.pid) === uid)
  const markers = new Map<number, Marker>()
  for (const { pid } of owned) {
    const [instance, attemptId, clusterName] = startVariable(pid, markerVariable)?.split('/') ?? []
    if (instance === instanceId && attemptId !== undefined && clusterName !== undefined)
      markers.set(pid, { instanceId, attemptId, clusterName })
  }
  return { processes, markers, owned }
}

/**
 * What lives of an attempt: its first process, that one's session, those with the attempt's marker (they may have left the
 * session), those known from before, and all their descendants. The session counts only while the first process is
 * there, if only as ended: afterwards its number may have become another's.
 */
export function membersOf(
  survey: Survey,
  attemptId: string,
  leader: ProcessIdentity,
  known: readonly ProcessIdentity[] = [],
): readonly ProcessRecord[] {
  const sessionLives = survey.processes.some((each) => sameProcess(each, leader))
  const belongs = (each: ProcessRecord) =>
    sameProcess(each, leader) ||
    (sessionLives && each.sessionId === leader.pid) ||
    (survey.markers.get(each.pid)?.attemptId === attemptId && each.startTime >= leader.startTime) ||
    known.some((before) => sameProcess(before, each))
  const members = new Map(survey.owned.filter(belongs).map((each) => [each.pid, each]))
  let before = -1
  while (before < members.size) {
    before = members.size
    for (const each of survey.owned) {
      const parent = members.get(each.parentPid)
      if (parent !== undefined && each.startTime >= parent.startTime) members.set(each.pid, each)
    }
  }
  return [...members.values()]
}
