import { setTimeout as pause } from 'node:timers/promises'
import { type Checks, failed, messageOf, ok, warning } from '../../../core/index.ts'
import type { HopsToCheck } from '../../backend-driver.ts'
import { NodeAddresses } from '../node-addresses.ts'
import { askProbe, judgeApi, judgePython, type ProbeReport, reportInLog } from './probe-report.ts'

/** A probe in the place of a user's scheduler, and how it is begun, seen and taken back. */
export interface ProbeToCheck {
  /** Of the system: Slurm. */
  readonly title: string
  /** What it is there. */
  readonly kind: 'job' | 'application'
  /** The class of settings that decide what is asked for. */
  readonly settingsName: string
  readonly username: string
  readonly apiUrl: string
  /** Throws with the system's words. */
  begin(signal: AbortSignal): Promise<BegunProbe>
  /** null: the system does not tell of it. */
  look(signal: AbortSignal): Promise<SeenProbe | null>
  /** The end of what it said; empty: nothing, or it cannot be had (yet). */
  log(signal: AbortSignal): Promise<string>
  /** Ends it, if it is there or may come yet, and removes what it left. Throws what stands in the way. */
  takeBack(signal: AbortSignal): Promise<void>
  readonly checkTunnel: NonNullable<HopsToCheck['gateway']>['checkTunnel']
}

export interface BegunProbe {
  /** SHA-256 of its certificate. */
  readonly fingerprint: string
  /** It listens on the first of these that is free. */
  readonly ports: readonly number[]
}

export interface SeenProbe {
  readonly state: 'pending' | 'running' | 'ended'
  readonly id: string
  /** null: not known. */
  readonly node: string | null
  /** Why it waits, or how it ended. */
  readonly reason: string | null
}

// Together less than the time of all checks.
const queueLimitMs = 25_000
const reachLimitMs = 25_000
const finishLimitMs = 15_000
/** For one that says that it listens. */
const listeningMs = 5_000
const pauseMs = 500

/** Runs a probe as the user, follows the ways between it and the gateway, and takes it back. */
export async function checkProbe(it: ProbeToCheck, checks: Checks): Promise<void> {
  const name = `probe ${it.kind}`
  let isBegun = false
  try {
    const probe = await checks.run(
      name,
      (signal) => {
        isBegun = true
        return runningProbe(it, signal)
      },
      queueLimitMs,
    )
    if (probe !== null) await checkNode(it, probe, checks)
  } finally {
    if (isBegun)
      await checks.finish(`${name} ended`, (signal) => takenBack(it, signal), finishLimitMs)
  }
}

type RunningProbe = BegunProbe & { readonly node: string | null }

async function runningProbe(it: ProbeToCheck, signal: AbortSignal) {
  const { title, kind, username } = it
  const endsAtMs = performance.now() + queueLimitMs - 3_000
  const begun = await it
    .begin(signal)
    .catch((error: unknown) =>
      failed(
        `A${kind === 'job' ? '' : 'n'} ${kind} of ${username} was refused: ${messageOf(error)}`,
        `It asked for what a scheduler of ${username} would ask for: partition or queue, account, cores, memory and so on are settings of ${it.settingsName}.`,
      ),
    )
  if ('result' in begun) return begun
  for (;;) {
    const seen = await it.look(signal)
    if (seen?.state === 'running') {
      const where = seen.node === null ? '' : ` on node ${seen.node}`
      const facts: RunningProbe = { ...begun, node: seen.node }
      return {
        finding: ok(
          `${title} runs a${kind === 'job' ? '' : 'n'} ${kind} of ${username}${where}: ${seen.id}`,
        ),
        facts,
      }
    }
    if (seen?.state === 'ended')
      return {
        ...failed(`The probe ${kind} ${seen.id} ended at once: ${seen.reason}`),
        details: tail(await it.log(signal)),
      }
    if (performance.now() > endsAtMs)
      return warning(
        `The probe ${kind} did not begin in time: ${seen?.reason ?? `${title} has not told of it yet`}`,
        'Schedulers of clusters wait in the same way. Try again when there is a free node, or with a partition or queue that has room.',
      )
    await pause(pauseMs, undefined, { signal })
  }
}

interface Reached {
  readonly host: string
  readonly report: ProbeReport
}

async function checkNode(it: ProbeToCheck, probe: RunningProbe, checks: Checks): Promise<void> {
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
  await checks.run('node to gateway', async () => judgeApi(known, it.apiUrl))
  await checks.run(it.kind === 'job' ? "jobs' Python" : "containers' Python", async () =>
    judgePython(known, it.settingsName),
  )
  if (reached === null) return
  const target = { host: reached.host, port: known.port, fingerprint: probe.fingerprint }
  await checks.run('client to node', (signal) => it.checkTunnel(target, signal))
}

/** Whether the gateway reaches a port on the node. What the log tells meanwhile goes to `onReport`. */
async function reachedProbe(
  it: ProbeToCheck,
  { node, fingerprint, ports: planned }: RunningProbe,
  onReport: (report: ProbeReport) => void,
  signal: AbortSignal,
) {
  const { kind } = it
  let endsAtMs = performance.now() + reachLimitMs - 4_000
  let listensSinceMs: number | null = null
  const named = node === null ? [] : await new NodeAddresses().of(node)
  for (;;) {
    const seen = await it.look(signal)
    // Of some the log is there only when they have ended.
    const log = await it.log(signal).catch(() => '')
    const said = reportInLog(log)
    if (said !== null) {
      onReport(said)
      listensSinceMs ??= performance.now()
      endsAtMs = Math.min(endsAtMs, listensSinceMs + listeningMs)
    }
    const own = said?.address == null ? [] : [said.address]
    const ports = said === null ? planned : [said.port]
    const hosts = [...new Set([...named, ...own])]
    const tries = await Promise.all(
      hosts.flatMap((host) =>
        ports.map(async (port) => {
          const answer = await askProbe({ host, port, fingerprint }, signal)
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
        `The probe ${kind} ${words}, but its probe does not answer: the Python of scheduler_setup and scheduler_cmd does not start on node ${node ?? '?'}, or no way leads there`,
        kind === 'job'
          ? "See what its log says; the nodes must have the users' homes and Python at the same paths."
          : 'See what its log says: the setup and localize_files must bring a Python, or the nodes must have one.',
      ),
      details: tail(log),
    }
  }
}

async function takenBack(it: ProbeToCheck, signal: AbortSignal) {
  try {
    await it.takeBack(signal)
    return ok(`The probe ${it.kind} has ended, and its files are removed`)
  } catch (error) {
    return warning(
      `The probe ${it.kind} could not be taken back: ${messageOf(error)}`,
      'It ends by itself within two minutes; the gateway, or the next doctor, removes what is left.',
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
