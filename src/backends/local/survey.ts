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
  /** Those that the gateway may signal and that have not ended: all of them for root, else its own account's. */
  readonly owned: readonly OwnedProcess[]
  /**
   * By pid: those of the gateway's own account with a marker of this instance. For root these are supervisors, and
   * programs with the set-user-ID bit that somebody started with such a marker: alone it proves nothing.
   */
  readonly markers: ReadonlyMap<number, Marker>
}

export interface OwnedProcess extends ProcessRecord {
  readonly uid: number
}

/** Takes surveys. Those that are asked for while one is under way share the next. */
export function surveyor(instanceId: string): () => Promise<Survey> {
  let running: Promise<unknown> = Promise.resolve()
  let next: Promise<Survey> | null = null
  return () => {
    next ??= running.then(() => {
      const survey = takeSurvey(instanceId)
      running = survey.catch(() => undefined)
      next = null
      return survey
    })
    return next
  }
}

async function takeSurvey(instanceId: string): Promise<Survey> {
  const ownUid = process.getuid?.() ?? 0
  const processes = await listProcesses()
  const owned = processes.flatMap((each) => {
    const uid = each.ended ? null : ownerOf(each.pid)
    return uid !== null && (ownUid === 0 || uid === ownUid) ? [{ ...each, uid }] : []
  })
  const markers = new Map<number, Marker>()
  for (const { pid, uid } of owned) {
    // Another's environment is not read by a gateway that is root: see processes-with.ts.
    if (uid !== ownUid) continue
    const [instance, attemptId, clusterName] = startVariable(pid, markerVariable)?.split('/') ?? []
    if (instance === instanceId && attemptId !== undefined && clusterName !== undefined)
      markers.set(pid, { instanceId, attemptId, clusterName })
  }
  return { processes, owned, markers }
}

/**
 * What lives of an attempt: its supervisor, that one's session and descendants, `marked` (those of the recorded account
 * with the attempt's marker) if they are not older, those known from before, and all their descendants. The session
 * counts only while the supervisor is there, if only as ended: afterwards its number may have become another's.
 */
export function membersOf(
  survey: Survey,
  supervisor: ProcessIdentity,
  marked: ReadonlySet<number>,
  known: readonly ProcessIdentity[] = [],
): readonly ProcessRecord[] {
  const sessionLives = survey.processes.some((each) => sameProcess(each, supervisor))
  const belongs = (each: ProcessRecord) =>
    sameProcess(each, supervisor) ||
    (sessionLives && each.sessionId === supervisor.pid) ||
    (marked.has(each.pid) && each.startTime >= supervisor.startTime) ||
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
