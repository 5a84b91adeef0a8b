import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type ClusterSettings, GatewayError } from '../../../core/index.ts'
import type {
  Commands,
  Failure,
  PbsJob,
  Replies,
  Reply,
  SlurmJob,
  Verb,
} from '../../../launcher/index.ts'
import { createKeyPair, packageFolder, randomHex } from '../../../util/index.ts'
import type { Account } from '../../account.ts'
import { jobName } from '../job-name.ts'
import type { CallLauncher } from '../launcher-call.ts'
import { type Queue, wordsOf } from '../queue.ts'
import { stagingOf, stagingPath } from '../staging.ts'
import type { OwnJob, Survey } from '../survey.ts'
import { type ProbeNote, removeNote, writeNote } from './probe-notes.ts'
import { probeFiles, probeScript } from './probe-script.ts'

export interface ProbeParts {
  readonly queue: Queue
  readonly commands: Commands
  readonly call: CallLauncher
  readonly survey: Pick<Survey, 'asUser'>
  readonly instanceId: string
  readonly stateDirectory: string
  readonly hostname: string
}

export interface ProbeRequest {
  readonly account: Account
  readonly settings: ClusterSettings
  readonly apiUrl: string
}

export interface ProbeJob {
  readonly note: ProbeNote
  /** SHA-256 of its certificate. */
  readonly fingerprint: string
  /** It listens on the first of these that is free. */
  readonly ports: readonly number[]
  readonly log: string
}

/** The probe ends by itself, also when nobody takes it back. */
const lifeSeconds = 90
const program = readFileSync(join(packageFolder, 'python', probeFiles.program), 'utf8')

/**
 * Submits a job in the place of a scheduler. Whoever calls it takes it back with `takeBackProbe`, by `note`, which is told before anything
 * is asked. Throws with the queue's words.
 */
export async function submitProbe(
  parts: ProbeParts,
  { account, settings, apiUrl }: ProbeRequest,
  onNote: (note: ProbeNote) => void,
  signal: AbortSignal,
): Promise<ProbeJob> {
  const { queue, commands, call, instanceId, hostname } = parts
  const attemptId = randomHex(8)
  const staging = stagingOf({ name: randomHex(16), settings }, account)
  const note: ProbeNote = { username: account.name, staging, attemptId }
  const { certPem, keyPem } = await createKeyPair(['dask-gateway-doctor'])
  // Where the ports of schedulers are: the system's choice.
  const ports = [0, 1, 2].map(() => 32_768 + Math.floor(Math.random() * 28_000))
  const copied = queue.copiesFiles(settings)
  const script = probeScript({
    ...{ settings, attemptId, username: account.name, apiUrl, lifeSeconds, ports },
    staging: copied ? null : stagingPath(staging),
  })
  const log = `probe-${attemptId}.log`
  const job = queue.job({
    ...{ role: 'scheduler', tasks: null, hostname, files: Object.values(probeFiles) },
    settings: { ...settings, scheduler_time_limit: settings.scheduler_time_limit ?? 120 },
    base: { name: jobName(instanceId, attemptId), script, log },
  })
  const jobs = [job] as readonly SlurmJob[] | readonly PbsJob[]
  const files = {
    [probeFiles.program]: program,
    [probeFiles.cert]: certPem,
    [probeFiles.key]: keyPem,
  }
  await writeNote(parts.stateDirectory, note)
  onNote(note)
  const request = {
    verb: 'submit',
    manager: queue.manager,
    commands,
    staging,
    files,
    jobs,
  } as const
  const reply = await call<'submit'>(account, request, signal)
  if (!reply.ok) throw new GatewayError('upstream', reply.error)
  const [outcome] = reply.outcomes
  if (outcome?.outcome !== 'answered')
    throw new GatewayError('upstream', outcome?.outcome === 'unknown' ? outcome.error : 'no answer')
  const { returncode: exitCode, stdout, stderr } = outcome
  if (exitCode !== 0)
    throw new GatewayError('upstream', queue.refusalOf({ exitCode, stdout, stderr }).words)
  return { note, ports, log, fingerprint: new X509Certificate(certPem).fingerprint256 }
}

/** The probe's job as its owner sees it; null: it is not there (any more). */
export async function lookAtProbe(
  { survey }: ProbeParts,
  account: Account,
  { attemptId }: ProbeNote,
  signal: AbortSignal,
): Promise<OwnJob | null> {
  const jobs = await survey.asUser(account, [], signal)
  return jobs.find((job) => job.attemptId === attemptId) ?? null
}

/** The end of its log; empty: there is none (yet). */
export async function logOfProbe(
  { call }: ProbeParts,
  account: Account,
  { note, log }: ProbeJob,
  signal: AbortSignal,
): Promise<string> {
  const request = { verb: 'log', staging: note.staging, files: [log], maxBytes: 16_384 } as const
  const reply = await call<'log'>(account, request, signal)
  const end = reply.ok ? reply.logs[0] : undefined
  return end?.found === true ? Buffer.from(end.base64, 'base64').toString('utf8') : ''
}

const pauseMs = 300

/**
 * Cancels the probe's job, if it is there or may come yet, waits for its end, and removes its files and its note. May be asked
 * again, from another process too. Throws what stands in the way.
 */
export async function takeBackProbe(
  parts: ProbeParts,
  account: Account,
  note: ProbeNote,
  signal: AbortSignal,
): Promise<void> {
  const { queue, commands, call } = parts
  const { staging, attemptId } = note
  // What has not begun until now never does.
  const claim = { verb: 'claim', staging, attempts: [attemptId] } as const
  told<'claim'>(await call<'claim'>(account, claim, signal))
  for (;;) {
    const job = await lookAtProbe(parts, account, note, signal)
    if (job === null || job.state === 'ended') break
    const cancel = { verb: 'cancel', manager: queue.manager, commands, ids: [job.id] } as const
    const { results } = told<'cancel'>(await call<'cancel'>(account, cancel, signal))
    for (const result of results) {
      if (result.outcome === 'unknown') throw new GatewayError('upstream', result.error)
      const { returncode: exitCode, stdout, stderr } = result
      const answer = { exitCode, stdout, stderr }
      if (!queue.cancelled(answer)) throw new GatewayError('upstream', wordsOf(answer))
    }
    await pause(pauseMs, undefined, { signal })
  }
  told<'clean'>(await call<'clean'>(account, { verb: 'clean', staging }, signal))
  await removeNote(parts.stateDirectory, note)
}

function told<V extends Verb>(reply: Reply<V>): Replies[V] {
  if (!reply.ok) throw new GatewayError('upstream', (reply as Failure).error)
  return reply as Replies[V]
}
