import { type Finding, failed, messageOf } from '../../../core/index.ts'
import { runCommand } from '../run-command.ts'
import type { CommandAnswer } from '../seen-job.ts'

/** Something that `doctor` asks a queue, as the gateway's account. All that a queue adds to the doctor is a list of these. */
export interface QueueQuestion {
  readonly name: string
  /** A command of the queue: beside the status command, where the configuration says where that is. */
  readonly program: string
  readonly args: readonly string[]
  readonly judge: (answer: CommandAnswer) => Finding
}

/** Some of these commands wait for a controller that is away, for nine seconds and longer. */
const limitMs = 9_000

/** `statusCommand`: its path, as configured; null: on PATH. */
export async function askQueue(
  question: QueueQuestion,
  statusCommand: string | null,
  signal: AbortSignal,
): Promise<Finding> {
  const { program, args, judge } = question
  const folder = statusCommand === null ? '' : statusCommand.replace(/[^/]*$/, '')
  try {
    return judge(await runCommand({ argv: [folder + program, ...args], limitMs, signal }))
  } catch (error) {
    const words = messageOf(error)
    return /ENOENT|EACCES/.test(words)
      ? failed(
          words,
          "Install the queue's commands on this machine, or name the one that lists jobs: c.JobQueueBackend.status_command (and submit_command, cancel_command).",
        )
      : failed(words, "The queue does not answer: see its server's log, and the network to it.")
  }
}
