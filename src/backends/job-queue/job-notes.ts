import { type Logger, messageOf, type ObjectRef } from '../../core/index.ts'
import type { Batch } from './batches.ts'

export interface JobNotesParts {
  readonly batchOf: (attemptId: string) => Batch | null
  /** The text of a file in a user's staging directory; null: there is none. */
  readonly read: (username: string, batch: Batch, file: string) => Promise<string | null>
  /** A note was read. */
  readonly wake: () => void
  readonly logger: Logger
}

/** A job that runs leaves its note before anything else of it is heard of. */
const mostReads = 3

/**
 * What jobs that run tell their owner by a file in their cluster's directory: that something stands in for their command. As reading it is
 * a process, it is read behind what asks for it, one after the other, and a few times in all.
 */
export class JobNotes {
  readonly #parts: JobNotesParts
  readonly #notes = new Map<string, { reads: number; isAsked: boolean; text: string | null }>()
  #turn: Promise<void> = Promise.resolve()

  constructor(parts: JobNotesParts) {
    this.#parts = parts
  }

  /** null: none is known (yet). */
  of({ attemptId, username }: ObjectRef): string | null {
    const batch = this.#parts.batchOf(attemptId)
    const file = batch?.note
    if (batch == null || file === undefined) return null
    const key = `${batch.staging.cluster}/${file}`
    const note = this.#notes.get(key) ?? { reads: 0, isAsked: false, text: null }
    this.#notes.set(key, note)
    if (note.text === null && !note.isAsked && note.reads < mostReads) {
      note.isAsked = true
      this.#turn = this.#turn.then(async () => {
        note.text = await this.#read(username, batch, file)
        note.isAsked = false
        note.reads += 1
        if (note.text !== null) this.#parts.wake()
      })
    }
    return note.text
  }

  forget(clusterName: string): void {
    for (const key of this.#notes.keys())
      if (key.startsWith(`${clusterName}/`)) this.#notes.delete(key)
  }

  async #read(username: string, batch: Batch, file: string): Promise<string | null> {
    const { read, logger } = this.#parts
    try {
      const text = await read(username, batch, file)
      // Its owner can have written anything there.
      const line = text
        ?.split('\n', 1)[0]
        ?.replace(/[\p{C}\s]+/gu, ' ')
        .trim()
        .slice(0, 500)
      return line ? `${file.replace('note-', '')}_cmd: ${line}` : null
    } catch (error) {
      logger.debug('A note of a job could not be read', { user: username, error: messageOf(error) })
      return null
    }
  }
}
