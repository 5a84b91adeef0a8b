import type { AuditEvent, AuditQuery, AuditStore, Logger } from '../core/index.ts'
import type { AuditFile } from './audit-file.ts'

/** What was done by the API: told to the log, kept in the store and, where one is named, in a file. */
export interface AuditTrail {
  /** Returns at once: a store that cannot be written holds nobody up. */
  record(event: Omit<AuditEvent, 'id' | 'time'>, fields?: { readonly requestId: string }): void
  page(query: AuditQuery): Promise<readonly AuditEvent[]>
  /** Resolves when something was recorded after the call, or when `signal` aborts. */
  whenRecorded(signal: AbortSignal): Promise<void>
  state(): {
    /** Events that are not in the store yet. */
    readonly unwritten: number
    /** Why the file cannot be written; null: it can, or there is none. */
    readonly fileProblem: string | null
  }
  /** Opens the file anew, as it may have been moved away. */
  reopen(): Promise<void>
  /** Writes what is left, for a few seconds at most. */
  close(): Promise<void>
}

export interface AuditOptions {
  readonly maxEvents: number
  /** null: any age. */
  readonly maxAgeMs: number | null
  readonly file: AuditFile | null
}

const retryMs = 1000
const maxUnwritten = 10_000
const forgetEveryMs = 600_000
const closeLimitMs = 5000

export function createAuditTrail(
  store: AuditStore,
  logger: Logger,
  { maxEvents, maxAgeMs, file }: AuditOptions = { maxEvents: 100_000, maxAgeMs: null, file: null },
): AuditTrail {
  const waiting = new Set<() => void>()
  let unwritten: Omit<AuditEvent, 'id'>[] = []
  let isFailing = false
  let writing: Promise<void> | null = null
  let retry: NodeJS.Timeout | null = null

  const forget = () => {
    const before = maxAgeMs === null ? null : Date.now() - maxAgeMs
    store
      .forgetAudit({ keep: maxEvents, before })
      .catch((error: unknown) => logger.warn('Old audit events could not be removed', { error }))
  }
  const forgetting = setInterval(forget, forgetEveryMs).unref()
  forget()

  /** Those that come while some are written are written together: many actions at once cost few transactions. */
  async function write(): Promise<void> {
    while (unwritten.length > 0) {
      const events = unwritten
      unwritten = []
      try {
        await store.addAudit(events)
        isFailing = false
      } catch (error) {
        const all = [...events, ...unwritten]
        unwritten = all.slice(-maxUnwritten)
        if (!isFailing)
          logger.error('What was done cannot be recorded; it is tried again', { error })
        isFailing = true
        const lost = all.length - unwritten.length
        if (lost > 0) logger.error(`${lost} actions are lost to the records; the log has them`)
        retry = setTimeout(begin, retryMs).unref()
        return
      }
      for (const tell of [...waiting]) tell()
      void file?.catchUp()
    }
  }

  function begin(): void {
    writing ??= write().finally(() => {
      writing = null
      // What came between the last look and this.
      if (unwritten.length > 0 && !isFailing) begin()
    })
  }

  return {
    record(event, fields) {
      const { user, action, cluster, address, owner } = event
      const about = cluster === null ? `${user}: ${action}` : `${user}: ${action} ${cluster}`
      const whose = owner === null || owner === user ? {} : { owner }
      logger.info(about, { audit: action, user, cluster, address, ...fields, ...whose })
      unwritten.push({ ...event, time: Date.now() })
      if (!isFailing) begin()
    },
    page: (query) => store.audit(query),
    whenRecorded(signal) {
      return new Promise((resolve) => {
        const done = () => {
          waiting.delete(done)
          signal.removeEventListener('abort', done)
          resolve()
        }
        if (signal.aborted) return resolve()
        waiting.add(done)
        signal.addEventListener('abort', done)
      })
    },
    state: () => ({ unwritten: unwritten.length, fileProblem: file?.problem ?? null }),
    reopen: async () => file?.reopen(),
    async close() {
      clearInterval(forgetting)
      if (retry !== null) clearTimeout(retry)
      const until = performance.now() + closeLimitMs
      do {
        begin()
        await writing
        if (unwritten.length > 0) await new Promise((done) => setTimeout(done, 200))
      } while (unwritten.length > 0 && performance.now() < until)
      if (retry !== null) clearTimeout(retry)
      await file?.close()
    },
  }
}
