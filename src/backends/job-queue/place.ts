import { hostname } from 'node:os'
import { type BackendContext, GatewayError } from '../../core/index.ts'
import type { Failure, Replies, Reply, Request, Verb } from '../../launcher/index.ts'
import { type Account, lookUpAccount } from '../account.ts'
import type { ProbeParts } from './checks/probe-job.ts'
import { StagingCleaner } from './clean-staging.ts'
import { AttemptFinder } from './find-attempts.ts'
import { attemptOfName } from './job-name.ts'
import { JobNotes } from './job-notes.ts'
import { type CallLauncher, findLauncher, launcherBySudo } from './launcher-call.ts'
import { NodeAddresses } from './node-addresses.ts'
import { JobWatch } from './observe-jobs.ts'
import { wordsOf } from './queue.ts'
import type { jobQueueBackendSettings } from './settings.ts'
import type { SubmitParts } from './submit-jobs.ts'
import { Survey } from './survey.ts'

export type JobQueueValues = NonNullable<(typeof jobQueueBackendSettings)['values']> & {
  /** PBSBackend.gateway_hostname; null: this host's name. */
  readonly gateway_hostname?: string | null
}

/** All that a started backend for job queues works with. */
export interface Place {
  readonly call: CallLauncher
  readonly submit: SubmitParts
  readonly survey: Survey
  readonly watch: JobWatch
  readonly finder: AttemptFinder
  readonly cleaner: StagingCleaner
  readonly notes: JobNotes
  readonly probes: ProbeParts
  /** Asks for the end of a user's jobs. */
  cancel(username: string, ids: readonly string[], signal: AbortSignal): Promise<void>
}

const noteLimitMs = 60_000

export function makePlace(
  values: JobQueueValues,
  context: BackendContext,
  { queue, commands, batches }: Pick<SubmitParts, 'queue' | 'commands' | 'batches'>,
): Place {
  const { instanceId, stateDirectory, wake, logger } = context
  const call = launcherBySudo(findLauncher(values.dask_gateway_jobqueue_launcher))
  const shared = { queue, commands, call, batches }
  const survey = new Survey({ ...shared, instanceId })
  const name = values.gateway_hostname ?? hostname()
  const notes = new JobNotes({
    batchOf: (attemptId) => batches.of(attemptId),
    read: async (username, { staging }, file) => {
      const signal = AbortSignal.timeout(noteLimitMs)
      const request = { verb: 'log', staging, files: [file], maxBytes: 4096 } as const
      const { logs } = await ask<'log'>(call, await accountOf(username, signal), request, signal)
      const [log] = logs
      return log?.found === true ? Buffer.from(log.base64, 'base64').toString('utf8') : null
    },
    ...{ wake, logger },
  })
  return {
    ...{ call, survey, notes },
    submit: {
      ...{ ...shared, context, hostname: name },
      heartbeatPeriodSeconds: values.cluster_heartbeat_period,
    },
    probes: { ...shared, survey, instanceId, stateDirectory, hostname: name },
    watch: new JobWatch({
      all: (uids, signal) => survey.all(uids, signal),
      asUser: async (username, ids, signal) =>
        survey.asUser(await accountOf(username, signal), ids, signal),
      nodes: new NodeAddresses(),
      notes,
    }),
    cleaner: new StagingCleaner({
      ...{ call, logger, accountOf: lookUpAccount },
      hasSubmitted: (clusterName) => batches.has(clusterName),
    }),
    finder: new AttemptFinder({
      jobsOf: (account, signal) => survey.asUser(account, [], signal),
      stagingOf: (attemptId) => batches.stagingOf(attemptId),
      claim: async (account, staging, attempts, signal) => {
        const reply = await call<'claim'>(account, { verb: 'claim', staging, attempts }, signal)
        // Where its owner lets nobody claim, only the attempt's own token keeps a late job out, which the sweep then ends.
        if (!reply.ok && reply.code === 'staging') return []
        if (!reply.ok) throw new GatewayError('upstream', reply.error)
        return attempts.filter((id) => reply.claims[id] === 'made')
      },
      attemptOfName: (jobName) => attemptOfName(instanceId, jobName),
      indexOf: queue.indexOf,
    }),
    cancel: (username, ids, signal) => cancelJobs({ queue, commands, call }, username, ids, signal),
  }
}

async function cancelJobs(
  { queue, commands, call }: Pick<SubmitParts, 'queue' | 'commands' | 'call'>,
  username: string,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  if (ids.length === 0) return
  const account = await accountOf(username, signal)
  const request = { verb: 'cancel', manager: queue.manager, commands, ids } as const
  const { results } = await ask<'cancel'>(call, account, request, signal)
  for (const result of results) {
    if (result.outcome === 'unknown') throw new GatewayError('upstream', result.error)
    const { returncode: exitCode, stdout, stderr } = result
    const answer = { exitCode, stdout, stderr }
    if (!queue.cancelled(answer))
      throw new GatewayError('upstream', `${queue.title}: ${wordsOf(answer)}`)
  }
  const named = new Set(results.flatMap((result) => result.ids))
  if (ids.some((id) => !named.has(id)))
    throw new GatewayError('upstream', `${queue.title} had no time to cancel all jobs`)
}

async function ask<V extends Verb>(
  call: CallLauncher,
  account: Account,
  request: Extract<Request, { verb: V }>,
  signal: AbortSignal,
): Promise<Replies[V]> {
  const reply: Reply<V> = await call<V>(account, request, signal)
  if (!reply.ok) throw new GatewayError('upstream', (reply as Failure).error)
  return reply as Replies[V]
}

/** Throws why there is none. */
export async function accountOf(username: string, signal: AbortSignal): Promise<Account> {
  const account = await lookUpAccount(username, signal)
  if ('refused' in account) throw new GatewayError('upstream', account.refused)
  return account
}
