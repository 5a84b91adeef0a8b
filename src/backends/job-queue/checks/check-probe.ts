import { setTimeout as pause } from 'node:timers/promises'
import { type Checks, failed, messageOf, ok, warning } from '../../../core/index.ts'
import type { HopsToCheck } from '../../backend-driver.ts'
import { NodeAddresses } from '../node-addresses.ts'
import {
  logOfProbe,
  lookAtProbe,
  type ProbeJob,
  type ProbeParts,
  type ProbeRequest,
  submitProbe,
  takeBackProbe,
} from './probe-job.ts'
import type { ProbeNote } from './probe-notes.ts'
import { askProbe, judgeApi, judgePython, type ProbeReport, reportInLog } from './probe-report.ts'
import { sweepProbes } from './sweep-probes.ts'

export interface ProbeToCheck {
  readonly parts: ProbeParts
  readonly request: ProbeRequest
  readonly checkTunnel: NonNullable<HopsToCheck['gateway']>['checkTunnel']
}

// Together less than the time of all checks.
const queueLimitMs = 25_000
const reachLimitMs = 25_000
const finishLimitMs = 15_000
/** For one that says that it listens. */
const listeningMs = 5_000
const pauseMs = 500

/** Runs a job as the user, follows the ways between it and the gateway, and takes it back. */
export async function checkProbe(it: ProbeToCheck, checks: Checks): Promise<void> {
  const { parts, request } = it
  let note: ProbeNote | null = null
  try {
    const probe = await checks.run(
      'probe job',
      (signal) =>
        begunProbe(
          it,
          (made) => {
            note = made
          },
          signal,
        ),
      queueLimitMs,
    )
    if (probe !== null) await checkNode(it, probe, checks)
  } finally {
    if (note !== null) {
      const made: ProbeNote = note
      await checks.finish(
        'probe job ended',
        async (signal) => {
          await sweepProbes(parts, signal)
          return await takenBack(parts, request, made, signal)
        },
        finishLimitMs,
      )
    }
  }
}

interface BegunProbe {
  readonly job: ProbeJob
  readonly node: string | null
}

async function begunProbe(
  { parts, request }: ProbeToCheck,
  onNote: (note: ProbeNote) => void,
  signal: AbortSignal,
) {
  const endsAtMs = performance.now() + queueLimitMs - 3_000
  const { title } = parts.queue
  const { account } = request
  const job = await submitProbe(parts, request, onNote, signal).catch((error: unknown) =>
    failed(
      `A job of ${account.name} was refused: ${messageOf(error)}`,
      `It asked for what a scheduler of ${account.name} would ask for: partition or queue, account, cores, memory and so on are settings of ${title}ClusterConfig.`,
    ),
  )
  if ('result' in job) return job
  for (;;) {
    const seen = await lookAtProbe(parts, account, job.note, signal)
    if (seen?.state === 'running') {
      const where = seen.node === null ? '' : ` on node ${seen.node}`
      const finding = ok(`${title} runs a job of ${account.name}${where}: ${seen.id}`)
      return { finding, facts: { job, node: seen.node } }
    }
    if (seen?.state === 'ended') {
      const log = await logOfProbe(parts, account, job, signal)
      return {
        ...failed(`The probe job ${seen.id} ended at once: ${seen.reason}`),
        details: tail(log),
      }
    }
    if (performance.now() > endsAtMs)
      return warning(
        `The probe job did not begin in time: ${seen?.reason ?? `${title} has not told of it yet`}`,
        'Schedulers of clusters wait in the same way. Try again when there is a free node, or with a partition or queue for short jobs.',
      )
    await pause(pauseMs, undefined, { signal })
  }
}

interface Reached {
  readonly host: string
  readonly report: ProbeReport
}

async function checkNode(it: ProbeToCheck, probe: BegunProbe, checks: Checks): Promise<void> {
  let report: ProbeReport | null = null
  const reached = await checks.run(
    'gateway to node',
    (signal) =>
      reachedProbe(
        it,
        probe,
        (found) => {
          report = found
        },
        signal,
      ),
    reachLimitMs,
  )
  const known: ProbeReport | null = reached?.report ?? report
  if (known === null) return
  await checks.run('node to gateway', async () => judgeApi(known, it.request.apiUrl))
  await checks.run("jobs' Python", async () => judgePython(known))
  if (reached === null) return
  const target = { host: reached.host, port: known.port, fingerprint: probe.job.fingerprint }
  await checks.run('client to node', (signal) => it.checkTunnel(target, signal))
}

/** Whether the gateway reaches a port on the node. What the log tells meanwhile goes to `onReport`. */
async function reachedProbe(
  { parts, request: { account } }: ProbeToCheck,
  { job, node }: BegunProbe,
  onReport: (report: ProbeReport) => void,
  signal: AbortSignal,
) {
  let endsAtMs = performance.now() + reachLimitMs - 4_000
  let listensSinceMs: number | null = null
  const named = node === null ? [] : await new NodeAddresses().of(node)
  for (;;) {
    const log = await logOfProbe(parts, account, job, signal).catch(() => '')
    const said = reportInLog(log)
    if (said !== null) {
      onReport(said)
      listensSinceMs ??= performance.now()
      endsAtMs = Math.min(endsAtMs, listensSinceMs + listeningMs)
    }
    const own = said?.address == null ? [] : [said.address]
    const ports = said === null ? job.ports : [said.port]
    const hosts = [...new Set([...named, ...own])]
    const tries = await Promise.all(
      hosts.flatMap((host) =>
        ports.map(async (port) => {
          const answer = await askProbe({ host, port, fingerprint: job.fingerprint }, signal)
          return { host, port, answer }
        }),
      ),
    )
    for (const { host, port, answer } of tries)
      if (typeof answer !== 'string') {
        const facts: Reached = { host, report: answer }
        return {
          finding: ok(`The gateway reaches ports of node ${answer.host}: ${host}:${port}`),
          facts,
        }
      }
    const seen = await lookAtProbe(parts, account, job.note, signal)
    const over = seen?.state === 'ended' || performance.now() > endsAtMs
    if (!over) {
      await pause(pauseMs, undefined, { signal })
      continue
    }
    if (said !== null)
      return {
        ...failed(
          `The probe listens on port ${said.port} of node ${said.host}, and the gateway does not reach it`,
          'Schedulers listen on ports that their node chooses (32768 to 60999 as a rule): let this machine reach these on the nodes. Clients need no way to the nodes.',
        ),
        details: tries.map((each) => `${each.host}:${each.port}: ${String(each.answer)}`),
      }
    const words = seen?.state === 'ended' ? `ended (${seen.reason})` : 'runs'
    return {
      ...failed(
        `The probe job ${words}, but its probe does not answer: the Python of scheduler_setup and scheduler_cmd does not start on node ${node ?? '?'}, or no way leads there`,
        "See what its log says; the nodes must have the users' homes and Python at the same paths.",
      ),
      details: tail(log),
    }
  }
}

async function takenBack(
  parts: ProbeParts,
  { account }: ProbeRequest,
  note: ProbeNote,
  signal: AbortSignal,
) {
  try {
    await takeBackProbe(parts, account, note, signal)
    return ok('The probe job has ended, and its files are removed')
  } catch (error) {
    return warning(
      `The probe job could not be taken back: ${messageOf(error)}`,
      'It ends by itself in two minutes; the gateway, or the next doctor, removes what is left.',
    )
  }
}

/** Somebody's job wrote it. */
function tail(log: string): readonly string[] {
  const lines = log.split('\n').map((line) => line.replace(/\p{C}+/gu, ' ').trim())
  return lines
    .filter((line) => line !== '')
    .slice(-5)
    .map((line) => `log: ${line.slice(0, 300)}`)
}
