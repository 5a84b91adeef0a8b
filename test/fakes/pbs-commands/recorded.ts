import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** What a command printed, and the status it ended with. */
export interface Answer {
  readonly returncode: number
  readonly stdout: string
  readonly stderr: string
}

/** A command of a real OpenPBS, and its answer. */
export interface Recording extends Answer {
  readonly user: string
  readonly cmd: readonly string[]
  readonly stdin: string | null
  readonly env: Readonly<Record<string, string>>
}

export type Attributes = { readonly [name: string]: string | number | Attributes }

export const recordings = join(import.meta.dirname, '../../../src/backends/pbs/fixtures')

export function recorded(name: string): Recording {
  return JSON.parse(readFileSync(join(recordings, `${name}.json`), 'utf8')) as Recording
}

/** A recorded answer, with other words in place of those that were the recorded call's. */
export function answerAs(name: string, words: Readonly<Record<string, string>> = {}): Answer {
  const { returncode, stdout, stderr } = recorded(name)
  const own = (text: string) =>
    Object.entries(words).reduce((all, [word, ours]) => all.replaceAll(word, () => ours), text)
  return { returncode, stdout: own(stdout), stderr: own(stderr) }
}

/** The attributes of a job in a recorded answer of `qstat -f -F json`. */
export function recordedJob(name: string, id: string): Attributes {
  const job = (JSON.parse(recorded(name).stdout) as { Jobs: Record<string, Attributes> }).Jobs[id]
  if (job === undefined) throw new Error(`${name} holds no job ${id}`)
  return job
}

/** The order in which attributes are printed: that of the recorded jobs, of which none has all. */
export function printedOrder(jobs: readonly Attributes[]): readonly string[] {
  const order: string[] = []
  for (const job of jobs) {
    let at = 0
    for (const name of Object.keys(job)) {
      const known = order.indexOf(name)
      if (known === -1) order.splice(at, 0, name)
      at = (known === -1 ? at : known) + 1
    }
  }
  return order
}
