import type { Backend } from './backend.ts'
import type { ClusterStore } from './store.ts'

/** Traces of what is done, for whoever wants them; where nobody does there is no such object, and no cost. */
export interface Traces {
  /** A request of the API has come; `traceparent` as it was sent. */
  begin(method: string, traceparent: string | undefined): RequestTrace
  /** The same, whose writes tell of the ways of clusters from their creation until they run. */
  store<S extends ClusterStore>(store: S): S
  /** The same, each of whose calls is a span. */
  backend(backend: Backend): Backend
  /** Sends what is left, for a few seconds at most. */
  close(): Promise<void>
}

export interface RequestTrace {
  /** What is done by `work` belongs to this request. */
  run(work: () => void): void
  /** `route` as it is declared. */
  end(route: string, status: number): void
}
