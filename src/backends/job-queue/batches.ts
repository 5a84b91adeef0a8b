import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Staging } from '../../launcher/index.ts'
import { replaceFile } from '../../util/index.ts'

/** What is submitted by one call of the launcher. */
export interface Batch {
  readonly staging: Staging
  /** The attempts of each job, by index where it is an array of jobs. */
  readonly jobs: readonly (readonly string[])[]
  /** A file in the staging directory by which its jobs tell their owner something; absent: they have none. */
  readonly note?: string
}

/**
 * What was about to be submitted: which attempt each task of an array job is, since a queue tells of a task only the name of
 * its array and its index, and where its files are. Written before the queue is asked, so that it is known whatever happens then.
 */
export class Batches {
  readonly #directory: string
  /** By the attempt that the batch's file is named by. */
  readonly #batches = new Map<string, Batch>()

  constructor(directory: string) {
    this.#directory = directory
  }

  async load(): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 })
    await this.look()
  }

  /** Reads what is there, and makes nothing. */
  async look(): Promise<void> {
    for (const name of await readdir(this.#directory).catch(noneIfMissing)) {
      if (!/^[0-9a-f]{16}$/.test(name)) continue
      // Written aside and renamed, hence whole.
      const text = await readFile(join(this.#directory, name), 'utf8')
      this.#batches.set(name, JSON.parse(text) as Batch)
    }
  }

  async add(batch: Batch): Promise<void> {
    const name = batch.jobs[0]?.[0]
    if (name === undefined) return
    await replaceFile(join(this.#directory, name), JSON.stringify(batch))
    this.#batches.set(name, batch)
  }

  /** The attempt of a job whose name holds `leader`. `index` null: a job that is no array. null: not known. */
  attemptAt(leader: string, index: number | null): string | null {
    if (index === null) return leader
    for (const { jobs } of this.#batches.values()) {
      const job = jobs.find(([first]) => first === leader)
      if (job !== undefined) return job[index] ?? null
    }
    return null
  }

  /** What an attempt was, or was about to be, submitted with; null: it never was. */
  of(attemptId: string): Batch | null {
    for (const batch of this.#batches.values())
      if (batch.jobs.some((attempts) => attempts.includes(attemptId))) return batch
    return null
  }

  /** Where the files of an attempt are; null: it was never about to be submitted. */
  stagingOf(attemptId: string): Staging | null {
    return this.of(attemptId)?.staging ?? null
  }

  /** Whether anything of the cluster was, or may have been, taken. */
  has(clusterName: string): boolean {
    return [...this.#batches.values()].some(({ staging }) => staging.cluster === clusterName)
  }

  /** None of its jobs was taken. */
  async forget(batch: Batch): Promise<void> {
    const name = batch.jobs[0]?.[0]
    if (name === undefined) return
    await rm(join(this.#directory, name), { force: true })
    this.#batches.delete(name)
  }

  async remove(clusterName: string): Promise<void> {
    for (const [name, { staging }] of [...this.#batches]) {
      if (staging.cluster !== clusterName) continue
      await rm(join(this.#directory, name), { force: true })
      this.#batches.delete(name)
    }
  }
}

function noneIfMissing(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return []
  throw error
}
