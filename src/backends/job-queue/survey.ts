import { GatewayError } from '../../core/index.ts'
import { type Commands, commandNames } from '../../launcher/index.ts'
import type { Account } from '../account.ts'
import type { Batches } from './batches.ts'
import { attemptOfName } from './job-name.ts'
import type { CallLauncher } from './launcher-call.ts'
import { type Queue, wordsOf } from './queue.ts'
import { runCommand } from './run-command.ts'
import type { CommandAnswer, SeenJob } from './seen-job.ts'

/** A job of this instance. */
export interface OwnJob extends SeenJob {
  /** null: a task of an array that no batch tells of. */
  readonly attemptId: string | null
}

export interface SurveyParts {
  readonly queue: Queue
  readonly commands: Commands
  readonly call: CallLauncher
  readonly instanceId: string
  readonly batches: Batches
}

const limitMs = 45_000

/** Looks at the jobs of this instance. What fails throws, with the queue's words. */
export class Survey {
  readonly #parts: SurveyParts

  constructor(parts: SurveyParts) {
    this.#parts = parts
  }

  /**
   * All of these users by one command, run by the gateway; null: of everybody. Where jobs are private, it sees none; nor does it where
   * the answer cannot be read, as that of a PBS before 20 with a variable in somebody's job that it does not write as JSON.
   */
  async all(uids: readonly string[] | null, signal: AbortSignal): Promise<readonly OwnJob[]> {
    const { queue, commands } = this.#parts
    const program = commands.status ?? commandNames[queue.manager].status
    const argv = [program, ...queue.statusArguments(uids)] as const
    const answer = await runCommand({ argv: [...argv], limitMs, signal })
    const jobs = queue.readJobs(answer)
    return jobs === null && answer.exitCode === 0 ? [] : this.#own(jobs, answer)
  }

  /** Those of one user, as that user, to whom they are never private. `ids`: jobs that may have ended. */
  async asUser(
    account: Account,
    ids: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly OwnJob[]> {
    if (this.#parts.queue.manager !== 'pbs' || ids.length === 0)
      return await this.#asUser(account, {}, signal)
    const told = await this.#asUser(account, { ids }, signal)
    // Without a history, PBS tells of no job that is asked for so, not of one that runs either.
    const known = new Set(told.map(({ id }) => id))
    if (ids.every((id) => known.has(id))) return told
    const unfinished = await this.#asUser(account, {}, signal)
    return [...told, ...unfinished.filter(({ id }) => !known.has(id))]
  }

  async #asUser(
    account: Account,
    asked: { readonly ids?: readonly string[] },
    signal: AbortSignal,
  ): Promise<readonly OwnJob[]> {
    const { queue, commands, call } = this.#parts
    const { manager } = queue
    const reply = await call(account, { verb: 'status', manager, commands, ...asked }, signal)
    if (!reply.ok) throw new GatewayError('upstream', reply.error)
    if (reply.outcome === 'unknown') throw new GatewayError('upstream', reply.error)
    if (reply.cut) throw new GatewayError('upstream', `${queue.title} told too much of its jobs`)
    const { returncode, stdout, stderr } = reply
    const answer = { exitCode: returncode, stdout, stderr }
    return this.#own(queue.readJobs(answer), answer)
  }

  /** `jobs`: what was read in that answer. */
  #own(jobs: readonly SeenJob[] | null, answer: CommandAnswer): readonly OwnJob[] {
    const { queue, instanceId, batches } = this.#parts
    if (jobs === null)
      throw new GatewayError('upstream', `${queue.title} does not tell of jobs: ${wordsOf(answer)}`)
    // A job's name may hold a line that looks like another job. Its id is then told twice, and neither counts.
    const ids = Map.groupBy(jobs, ({ id }) => id)
    return jobs.flatMap((job) => {
      if (ids.get(job.id)?.length !== 1) return []
      const leader = attemptOfName(instanceId, job.name)
      if (leader === null) return []
      const index = queue.indexOf(job.id)
      return { ...job, attemptId: batches.attemptAt(leader, index) }
    })
  }
}
