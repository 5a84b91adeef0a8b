import { X509Certificate } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { ClusterSettings } from '../../core/index.ts'
import {
  type ApplicationId,
  type ApplicationReport,
  applicationIdText,
  readHdfsUrl,
} from '../../hadoop/index.ts'
import { createKeyPair, randomHex, shellQuoted } from '../../util/index.ts'
import { probeCommand } from '../job-queue/checks/probe-script.ts'
import { folder, modulesWritten, packedScript } from './container-command.ts'
import type { HadoopPlace } from './hadoop-place.ts'
import { localize, removeUploads } from './localize.ts'
import { sourceTextOf, yarnSettingsOf } from './settings.ts'
import { schedulerApplication } from './submit.ts'

export interface ProbeRequest {
  readonly username: string
  readonly settings: ClusterSettings
  readonly apiUrl: string
  readonly instanceId: string
}

export interface ProbeApplication {
  readonly id: ApplicationId
  readonly text: string
  /** SHA-256 of its certificate. */
  readonly fingerprint: string
  /** It listens on the first of these that is free. */
  readonly ports: readonly number[]
}

/** Enough to be reached in. It then ends by itself with `endStatus`, with which YARN tells the end of what it said. */
const lifeSeconds = 12
const endStatus = 3

const programs = [
  'python/container/probe.py',
  'python/container/credentials.py',
  'python/probe_job.py',
]

/** Which probe: made before anything is asked, so that it can be taken back whatever the answer. */
export interface ProbeNote {
  /** In the place of a cluster's, for files that are uploaded. */
  readonly name: string
  id: ApplicationId | null
}

/**
 * Submits, as the user, an application that is asked for as a scheduler's is. It carries the instance's tags, so that a running gateway
 * would end it, too. Throws with YARN's words.
 */
export async function submitProbe(
  place: HadoopPlace,
  request: ProbeRequest,
  note: ProbeNote,
  signal: AbortSignal,
): Promise<ProbeApplication> {
  const { username, settings, apiUrl, instanceId } = request
  const manager = place.manager.as(username)
  const { certPem, keyPem } = await createKeyPair(['dask-gateway-doctor'])
  // Where the ports of schedulers are: the system's choice.
  const ports = [0, 1, 2].map(() => 32_768 + Math.floor(Math.random() * 28_000))
  const cluster = { name: note.name, username }
  const files = yarnSettingsOf(request).localize_files
  const localized = await localize(place, files, cluster, signal)
  const { applicationId } = await manager.newApplication({ signal })
  const text = applicationIdText(applicationId)
  note.id = applicationId
  await manager.submit(
    schedulerApplication({
      ...{ id: text, settings, localized, instanceId, attemptId: randomHex(8) },
      name: 'dask-gateway doctor',
      command: packedScript(probeContainer(request, [apiUrl, lifeSeconds, ...ports].map(String))),
      secret: { 'probe.crt': certPem, 'probe.pem': keyPem },
    }),
    { signal },
  )
  return {
    id: applicationId,
    text,
    ports,
    fingerprint: new X509Certificate(certPem).fingerprint256,
  }
}

function probeContainer(request: ProbeRequest, words: readonly string[]): string {
  const { scheduler_setup: setup } = yarnSettingsOf(request)
  return [
    ...modulesWritten(programs),
    ...(setup === '' ? [] : [setup]),
    `export DASK_GATEWAY_PROBE=${folder}/probe.py`,
    `${probeCommand(request.settings.scheduler_cmd)} ${words.map(shellQuoted).join(' ')}`,
    `exit ${endStatus}`,
    '',
  ].join('\n')
}

export interface SeenProbe {
  readonly report: ApplicationReport
  /** Where its container is; null: it has none (any more). */
  readonly host: string | null
}

/** The probe as its owner sees it; null: YARN does not know it. */
export async function lookAtProbe(
  place: HadoopPlace,
  username: string,
  { id }: ProbeApplication,
  signal: AbortSignal,
): Promise<SeenProbe | null> {
  const manager = place.manager.as(username)
  const report = await manager.report(id, { signal })
  if (report === null) return null
  // Until YARN has accepted it there is no attempt to ask for.
  const isAccepted = report.state === 'ACCEPTED' || report.state === 'RUNNING'
  const [container] = isAccepted ? await manager.containers(id, 1, { signal }) : []
  return { report, host: container?.nodeId?.host ?? null }
}

export function hasEnded({ state }: ApplicationReport): boolean {
  return state === 'FINISHED' || state === 'FAILED' || state === 'KILLED'
}

/** Ends it, and removes what was uploaded for it. May be asked again. */
export async function takeBackProbe(
  place: HadoopPlace,
  request: ProbeRequest,
  { id, name }: ProbeNote,
  signal: AbortSignal,
): Promise<void> {
  const { username } = request
  const manager = place.manager.as(username)
  // What was never submitted is not there.
  while (id !== null && (await manager.report(id, { signal })) !== null) {
    if (await manager.kill(id, 'The doctor has seen enough', { signal })) break
    await pause(300, undefined, { signal })
  }
  const sources = Object.values(yarnSettingsOf(request).localize_files).map(sourceTextOf)
  if (sources.some((source) => readHdfsUrl(source) === null))
    await removeUploads(place, { name, username }, signal)
}
