import {
  type Change,
  type ClientPresence,
  type Cluster,
  type ClusterEvent,
  type ClusterStore,
  type DayUsage,
  isFinal,
  type Json,
  type ObjectRef,
  type RouteTable,
  sumUsage,
  type UsageQuery,
  type UsageStore,
  type UsageSum,
  type Worker,
} from '../core/index.ts'
import { steadyNow } from '../util/index.ts'
import { ChangeFeed } from './change-feed.ts'
import type { QuotaLedger } from './quota-ledger.ts'
import { fullRoom } from './room.ts'
import { type AttemptFacts, type ClusterFacts, newAttemptFacts } from './situation.ts'
import { begun, endedUsage, isAbsurd, runningUsage } from './usage.ts'

/** A cluster in memory: its records as they are stored, and what is only known. */
export interface Entry {
  cluster: Cluster
  readonly workers: Map<string, Worker>
  facts: ClusterFacts
  /** Whether clients are connected to it now. */
  readonly clients: () => ClientPresence
  /** The last sentence of each kind, so that an event tells each once. */
  readonly told: Map<ToldKind, string>
  /** How long the logs were that have been kept, by their objects' names; not known of earlier runs. */
  readonly logEnds: Map<string, number>
}

type ToldKind =
  | ('scheduler waits' | 'workers wait' | 'no room' | 'address' | 'step' | 'quota')
  | ('scheduler note' | 'worker note')

/** What a change function may add besides the new records. */
export interface NewEvent {
  readonly kind: string
  readonly message: string
  readonly worker?: string
  readonly details?: { readonly [key: string]: Json }
}

export interface Changed {
  readonly cluster?: Cluster
  readonly workers?: readonly Worker[]
  readonly events?: readonly NewEvent[]
}

/**
 * All clusters of the store, in memory. The only writer: a change is computed from the newest record, written, and only then
 * seen by readers, one change of a cluster at a time.
 */
export class Records {
  /** For those who follow clusters. */
  readonly changes = new ChangeFeed()
  readonly #store: ClusterStore & UsageStore
  readonly #ledger: QuotaLedger
  readonly #entries = new Map<string, Entry>()
  readonly #byUser = new Map<string, Set<string>>()
  readonly #turns = new Map<string, Promise<unknown>>()
  readonly #watchers = new Map<string, Set<() => void>>()
  readonly #eventReads = new Map<string, Promise<readonly ClusterEvent[]>>()
  // Of each cluster, since its old ones were last removed.
  readonly #newEvents = new Map<string, number>()
  #clientsOf: RouteTable['clientsOf'] = () => ({ state: 'unknown' })
  #lastEventId = 0
  #usageEnds = 0

  constructor(store: ClusterStore & UsageStore, ledger: QuotaLedger) {
    this.#store = store
    this.#ledger = ledger
  }

  /**
   * Reads the store; clocks of liveness start now, and routes of running clusters are set at once. Returns how many attempts have a start
   * that cannot be.
   */
  async load(routes: RouteTable): Promise<number> {
    const { clusters, workers, lastEventId } = await this.#store.load()
    this.#lastEventId = lastEventId
    this.#clientsOf = (name) => routes.clientsOf(name)
    for (const cluster of clusters) this.#insert(cluster)
    for (const worker of workers) this.get(worker.clusterName)?.workers.set(worker.name, worker)
    for (const entry of this.#entries.values()) {
      this.#ledger.written(entry.cluster, entry.workers.values())
      if (entry.cluster.status !== 'running' || entry.cluster.addresses === null) continue
      routes.put(routeOf(entry.cluster.name, entry.cluster.addresses.scheduler))
      entry.facts = { ...entry.facts, published: true }
    }
    return this.#mistrustClocks()
  }

  /** A start that cannot be, as somebody's clock was wrong, is taken to be now. */
  #mistrustClocks(): number {
    const now = steadyNow()
    let absurd = 0
    for (const entry of this.#entries.values())
      for (const { status, attempt } of [entry.cluster, ...entry.workers.values()])
        if (!isFinal(status) && attempt !== null && isAbsurd(attempt, now)) {
          this.learn(entry, attempt.id, { countFrom: now })
          absurd += 1
        }
    return absurd
  }

  get(name: string): Entry | undefined {
    return this.#entries.get(name)
  }

  all(): Iterable<Entry> {
    return this.#entries.values()
  }

  *ofUser(username: string): Iterable<Entry> {
    for (const name of this.#byUser.get(username) ?? []) {
      const entry = this.#entries.get(name)
      if (entry !== undefined) yield entry
    }
  }

  /** Records a new cluster. */
  async create(cluster: Cluster, event: NewEvent): Promise<Entry> {
    this.#ledger.writing(cluster, [])
    try {
      await this.#store.commit([
        { put: 'cluster', cluster },
        { put: 'event', event: this.#event(cluster.name, event) },
      ])
    } catch (error) {
      this.#ledger.removed(cluster)
      throw error
    }
    const entry = this.#insert(cluster)
    this.#ledger.written(cluster, [])
    this.notify(cluster.name)
    return entry
  }

  /**
   * Changes a cluster: `change` sees the newest records and returns what is to be written, or null. Resolves when that is durable;
   * when writing fails, it rejects and nothing has changed.
   */
  async change(name: string, change: (entry: Entry) => Changed | null): Promise<void> {
    const turn = (this.#turns.get(name) ?? Promise.resolve()).then(() => this.#apply(name, change))
    const settled = turn.catch(() => undefined)
    this.#turns.set(name, settled)
    try {
      await turn
    } finally {
      if (this.#turns.get(name) === settled) this.#turns.delete(name)
    }
  }

  /** Records a sentence as an event, unless it was the last of its kind. */
  async tell(name: string, what: ToldKind, event: NewEvent): Promise<void> {
    const entry = this.#entries.get(name)
    if (entry === undefined || entry.told.get(what) === event.message) return
    entry.told.set(what, event.message)
    await this.change(name, () => ({ events: [event] }))
  }

  /** Changes what is known of an attempt; nothing is stored. */
  learn(entry: Entry, attemptId: string, fact: Partial<AttemptFacts>): void {
    const attempts = entry.facts.attempts as Map<string, AttemptFacts>
    const known = attempts.get(attemptId) ?? newAttemptFacts(performance.now())
    attempts.set(attemptId, { ...known, ...fact })
  }

  async remove(name: string): Promise<void> {
    const entry = this.#entries.get(name)
    if (entry === undefined) return
    await this.#store.commit([{ remove: 'cluster', clusterName: name }])
    this.#entries.delete(name)
    this.#newEvents.delete(name)
    const { username } = entry.cluster
    this.#byUser.get(username)?.delete(name)
    if (this.#byUser.get(username)?.size === 0) this.#byUser.delete(username)
    this.#ledger.removed(entry.cluster)
    this.changes.removed(name, username)
    this.#tellWatchers(name)
  }

  /** What was used and is used now. Asked again when something ended meanwhile, which would be missing or be there twice. */
  async usage(query: UsageQuery): Promise<readonly UsageSum[]> {
    for (let tries = 0; ; tries++) {
      const ends = this.#usageEnds
      const ended = await this.#store.usage(query)
      if (ends === this.#usageEnds || tries === 5)
        return sumUsage([...ended, ...this.#runningUsage(query)], query)
    }
  }

  *#runningUsage({ from, to, username }: UsageQuery): Iterable<DayUsage> {
    const now = steadyNow()
    for (const entry of username === null ? this.all() : this.ofUser(username))
      for (const each of runningUsage(entry, now))
        if (each.day >= from && each.day <= to) yield each
  }

  /** All who follow a cluster ask for the same at the same moment: the store is asked once. */
  events(name: string, afterId: number, limit: number): Promise<readonly ClusterEvent[]> {
    const key = `${name} ${afterId} ${limit}`
    const asked = this.#eventReads.get(key)
    if (asked !== undefined) return asked
    const read = this.#store.events(name, afterId, limit)
    this.#eventReads.set(key, read)
    const done = () => this.#eventReads.delete(key)
    read.then(done, done)
    return read
  }

  /** Calls `onChange` after each change of a cluster until the returned function is called. */
  watch(name: string, onChange: () => void): () => void {
    const watchers = this.#watchers.get(name) ?? new Set()
    this.#watchers.set(name, watchers.add(onChange))
    return () => {
      watchers.delete(onChange)
      if (watchers.size === 0 && this.#watchers.get(name) === watchers) this.#watchers.delete(name)
    }
  }

  /** Tells those who watch that something unrecorded about a cluster (its route) has changed. */
  notify(name: string): void {
    const entry = this.#entries.get(name)
    if (entry !== undefined) this.changes.changed(name, entry.cluster.username)
    this.#tellWatchers(name)
  }

  #tellWatchers(name: string): void {
    for (const onChange of [...(this.#watchers.get(name) ?? [])]) onChange()
  }

  async #apply(name: string, change: (entry: Entry) => Changed | null): Promise<void> {
    const entry = this.#entries.get(name)
    const wanted = entry === undefined ? null : change(entry)
    if (entry === undefined || wanted === null) return
    const now = steadyNow()
    const changed: Changed = {
      ...wanted,
      ...(wanted.cluster && { cluster: begun(wanted.cluster, entry.facts, now) }),
      ...(wanted.workers && {
        workers: wanted.workers.map((worker) => begun(worker, entry.facts, now)),
      }),
    }
    const changes: Change[] = []
    if (changed.cluster !== undefined) changes.push({ put: 'cluster', cluster: changed.cluster })
    for (const worker of changed.workers ?? []) changes.push({ put: 'worker', worker })
    for (const event of changed.events ?? [])
      changes.push({ put: 'event', event: this.#event(name, event) })
    if (changes.length === 0) return
    const used = endedUsage(entry, changed, entry.facts, now)
    for (const usage of used) changes.push({ put: 'usage', usage })
    const forgotten = tooManyEnded(entry, changed.workers ?? [])
    for (const workerName of forgotten)
      changes.push({ remove: 'worker', clusterName: name, workerName })
    const newEvents = (this.#newEvents.get(name) ?? 0) + (changed.events?.length ?? 0)
    const isLong = newEvents >= eventsBetweenRemovals
    if (isLong) changes.push({ remove: 'old-events', clusterName: name, keep: keptEvents })
    this.#ledger.writing(changed.cluster ?? entry.cluster, withChanged(entry, changed).values())
    try {
      await this.#store.commit(changes)
    } catch (error) {
      this.#ledger.written(entry.cluster, entry.workers.values())
      throw error
    }
    if (used.length > 0) this.#usageEnds += 1
    this.#newEvents.set(name, isLong ? 0 : newEvents)
    for (const workerName of forgotten) entry.workers.delete(workerName)
    if (changed.cluster !== undefined) entry.cluster = changed.cluster
    for (const worker of changed.workers ?? []) {
      entry.workers.set(worker.name, worker)
      if (isFinal(worker.status) && worker.attempt !== null) this.#forget(entry, worker.attempt.id)
    }
    this.#ledger.written(entry.cluster, entry.workers.values())
    this.notify(name)
  }

  #forget(entry: Entry, attemptId: string): void {
    const attempts = entry.facts.attempts as Map<string, AttemptFacts>
    attempts.delete(attemptId)
  }

  #insert(cluster: Cluster): Entry {
    const facts: ClusterFacts = {
      heardAt: performance.now(),
      published: false,
      attempts: new Map(),
      startBegunAt: cluster.attempt === null ? null : performance.now(),
      lastError: null,
      room: fullRoom,
      firstAge: null,
      usedAt: performance.now(),
      clientWarnedAt: null,
      quotaWait: null,
    }
    const entry: Entry = {
      cluster,
      workers: new Map(),
      clients: () => this.#clientsOf(cluster.name),
      facts,
      told: new Map(),
      logEnds: new Map(),
    }
    this.#entries.set(cluster.name, entry)
    const names = this.#byUser.get(cluster.username) ?? new Set()
    this.#byUser.set(cluster.username, names.add(cluster.name))
    return entry
  }

  #event(clusterName: string, { kind, message, worker, details }: NewEvent): ClusterEvent {
    this.#lastEventId += 1
    return {
      id: this.#lastEventId,
      clusterName,
      time: Date.now(),
      kind,
      message,
      worker: worker ?? null,
      details: details ?? {},
    }
  }
}

/** A scheduler is somebody's code, and can make an event of each heartbeat. */
const keptEvents = 10_000
const eventsBetweenRemovals = 1000

/** A cluster that lives long ends many workers: the oldest of them are forgotten. */
const keptEndedWorkers = 1000

function tooManyEnded(entry: Entry, changed: readonly Worker[]): readonly string[] {
  if (entry.workers.size + changed.length <= keptEndedWorkers) return []
  const ended = [...entry.workers.values()].filter((worker) => isFinal(worker.status))
  return ended
    .toSorted((a, b) => (a.stopTime ?? 0) - (b.stopTime ?? 0))
    .slice(0, Math.max(0, ended.length - keptEndedWorkers))
    .map((worker) => worker.name)
}

/** The workers as they will be. */
function withChanged({ workers }: Entry, changed: Changed): ReadonlyMap<string, Worker> {
  if (changed.workers === undefined || changed.workers.length === 0) return workers
  return new Map([...workers, ...changed.workers.map((worker) => [worker.name, worker] as const)])
}

/** The attempts of a cluster that may be something outside. */
export function objectRefs({ cluster, workers }: Entry): ObjectRef[] {
  const refs: ObjectRef[] = []
  const add = (workerName: string | null, attempt: Cluster['attempt']) => {
    if (attempt === null) return
    const { id, createdAt, handle } = attempt
    const { name, username } = cluster
    refs.push({ clusterName: name, username, workerName, attemptId: id, createdAt, handle })
  }
  if (!isFinal(cluster.status)) add(null, cluster.attempt)
  for (const worker of workers.values())
    if (!isFinal(worker.status)) add(worker.name, worker.attempt)
  return refs
}

/** A route from the scheduler's `tls://host:port`. */
export function routeOf(clusterName: string, schedulerAddress: string) {
  const url = new URL(schedulerAddress.replace(/^tls:/, 'http:'))
  return { clusterName, host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || 80) }
}
