import type { AuditEvent, AuditQuery, AuditStore, Logger } from '../core/index.ts'

/** What was done by the API: told to the log and kept in the store, for administrators. */
export interface AuditTrail {
  /** Returns at once: a store that cannot be written holds nobody up. */
  record(event: Omit<AuditEvent, 'id' | 'time'>, fields?: { readonly requestId: string }): void
  page(query: AuditQuery): Promise<readonly AuditEvent[]>
  /** Resolves when something was recorded after the call, or when `signal` aborts. */
  whenRecorded(signal: AbortSignal): Promise<void>
}

export function createAuditTrail(store: AuditStore, logger: Logger): AuditTrail {
  const waiting = new Set<() => void>()
  let unwritten: Omit<AuditEvent, 'id'>[] = []
  let isWriting = false

  /** Those that come while some are written are written together: many actions at once cost few transactions. */
  async function write(): Promise<void> {
    isWriting = true
    while (unwritten.length > 0) {
      const events = unwritten
      unwritten = []
      try {
        await store.addAudit(events)
      } catch (error) {
        logger.warn(`${events.length} actions could not be recorded`, { error })
      }
      for (const tell of [...waiting]) tell()
    }
    isWriting = false
  }

  return {
    record(event, fields) {
      const { user, action, cluster, address, owner } = event
      const about = cluster === null ? `${user}: ${action}` : `${user}: ${action} ${cluster}`
      const whose = owner === null || owner === user ? {} : { owner }
      logger.info(about, { audit: action, user, cluster, address, ...fields, ...whose })
      unwritten.push({ ...event, time: Date.now() })
      if (!isWriting) void write()
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
  }
}
