import type { AuditEvent, AuditQuery, AuditStore, Logger } from '../core/index.ts'

/** What was done by the API: told to the log and kept in the store, for administrators. */
export interface AuditTrail {
  /** Returns at once: a store that cannot be written holds nobody up. */
  record(event: Omit<AuditEvent, 'id' | 'time'>, fields: { readonly requestId: string }): void
  page(query: AuditQuery): Promise<readonly AuditEvent[]>
  /** Resolves when something was recorded after the call, or when `signal` aborts. */
  whenRecorded(signal: AbortSignal): Promise<void>
}

export function createAuditTrail(store: AuditStore, logger: Logger): AuditTrail {
  const waiting = new Set<() => void>()
  return {
    record(event, { requestId }) {
      const { user, action, cluster, address, owner } = event
      const about = [user, ': ', action, cluster === null ? '' : ` ${cluster}`].join('')
      const whose = owner === null || owner === user ? {} : { owner }
      logger.info(about, { audit: action, user, cluster, address, requestId, ...whose })
      store.addAudit({ ...event, time: Date.now() }).then(
        () => {
          for (const tell of [...waiting]) tell()
        },
        (error: unknown) => logger.warn('What was done could not be recorded', { error }),
      )
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
