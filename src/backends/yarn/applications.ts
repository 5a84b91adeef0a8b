import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { replaceFile } from '../../util/index.ts'

/** What was asked of YARN for one attempt of a cluster's scheduler, and which workers its application master is to run. */
export interface Application {
  readonly attemptId: string
  readonly clusterName: string
  readonly username: string
  /** application_… */
  readonly id: string
  /** Whether YARN has taken it. */
  readonly isSubmitted: boolean
  /** Arguments that follow the command of each wanted worker, by the worker's attempt. */
  readonly workers: { readonly [attemptId: string]: readonly string[] }
}

/**
 * Applications by attempt, in files. Each is written before YARN is asked, so that what was asked is known whatever happens then, and
 * cannot be asked twice under two ids.
 */
export class Applications {
  readonly #directory: string
  readonly #known = new Map<string, Application>()
  readonly #writing = new Map<string, Promise<void>>()

  constructor(directory: string) {
    this.#directory = directory
  }

  async load(): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 })
    for (const name of await readdir(this.#directory)) {
      if (!/^[0-9a-f]{16}$/.test(name)) continue
      // Written aside and renamed, hence whole.
      const text = await readFile(join(this.#directory, name), 'utf8')
      this.#known.set(name, JSON.parse(text) as Application)
    }
  }

  of(attemptId: string | undefined): Application | undefined {
    return attemptId === undefined ? undefined : this.#known.get(attemptId)
  }

  ofCluster(clusterName: string): readonly Application[] {
    return [...this.#known.values()].filter((each) => each.clusterName === clusterName)
  }

  /** The one whose application master was told to run this worker. */
  withWorker(clusterName: string, attemptId: string): Application | undefined {
    return this.ofCluster(clusterName).find(({ workers }) => attemptId in workers)
  }

  /** Known at once, and on disk when this is done. */
  async put(application: Application): Promise<void> {
    const { attemptId } = application
    this.#known.set(attemptId, application)
    await this.#queued(attemptId, async () => {
      const newest = this.#known.get(attemptId)
      if (newest === undefined) return
      await replaceFile(join(this.#directory, attemptId), JSON.stringify(newest))
    })
  }

  async remove(attemptId: string): Promise<void> {
    this.#known.delete(attemptId)
    await this.#queued(attemptId, () => rm(join(this.#directory, attemptId), { force: true }))
  }

  /** One write of a file at a time. */
  async #queued(attemptId: string, work: () => Promise<void>): Promise<void> {
    const before = this.#writing.get(attemptId) ?? Promise.resolve()
    const next = before.catch(() => undefined).then(work)
    this.#writing.set(attemptId, next)
    try {
      await next
    } finally {
      if (this.#writing.get(attemptId) === next) this.#writing.delete(attemptId)
    }
  }
}
