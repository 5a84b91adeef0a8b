import { setTimeout as delay } from 'node:timers/promises'
import type { ClusterService, FeedPosition } from '../clusters/index.ts'
import type { Cluster, ClusterEvent, User } from '../core/index.ts'
import { clusterInfo } from './cluster-info.ts'
import type { EventSource, ServerEvent } from './event-streams.ts'

const eventsAtOnce = 100
const logPieceBytes = 256 * 1024
/** Between looks at a log, and when nothing was new for some looks. */
const logLookMs = 1000
const quietLookMs = 5000
const quietAfterLooks = 10
/** Between two messages about clusters, so that a storm of changes is told as what it led to. */
const restMs = 200

export function eventReport(event: ClusterEvent) {
  const { id, time, kind, message, worker, details } = event
  return { id, time, kind, message, worker, details }
}

/** What happens to a cluster, from the event after `afterId` on, until its end. */
export function eventsOf(
  service: ClusterService,
  user: User,
  name: string,
  afterId: number,
): EventSource {
  return async function* (signal): AsyncGenerator<ServerEvent> {
    let last = afterId
    while (!signal.aborted) {
      const { events, isOver } = await service.nextEvents(user, name, last, eventsAtOnce, signal)
      for (const event of events) {
        yield { id: String(event.id), event: 'event', data: eventReport(event) }
        last = event.id
      }
      if (isOver) return
    }
  }
}

/** A log from `start` on, as it grows, until its process has ended. Positions are bytes. */
export function logOf(
  service: ClusterService,
  user: User,
  name: string,
  worker: string | null,
  start: number | { readonly tailLines: number },
): EventSource {
  return async function* (signal): AsyncGenerator<ServerEvent> {
    let position = typeof start === 'number' ? start : null
    let quietLooks = 0
    while (!signal.aborted) {
      const piece = await service.logPiece(user, name, worker, position, logPieceBytes)
      const isFirst = position === null
      const all = piece.isOver ? piece.bytes : wholeCharacters(piece.bytes)
      const bytes = isFirst && typeof start !== 'number' ? lastLines(all, start.tailLines) : all
      const from = piece.from + all.length - bytes.length
      position = piece.from + all.length
      if (bytes.length > 0) {
        quietLooks = 0
        const data = { from, text: bytes.toString('utf8') }
        yield { id: String(position), event: 'log', data }
      } else if (!piece.isOver) {
        const lookMs = quietLooks++ < quietAfterLooks ? logLookMs : quietLookMs
        // All who follow look at the same moments, so that one look serves them all.
        const waitMs = lookMs - (Math.floor(performance.now()) % lookMs)
        await delay(waitMs, undefined, { signal }).catch(() => undefined)
      }
      if (piece.isOver) return
    }
  }
}

/** The state of all clusters of a user, then each change. A client that comes back is told what changed meanwhile. */
export function clustersOf(
  service: ClusterService,
  user: User,
  since: FeedPosition | null,
  dashboardRoute: (cluster: Cluster) => string,
): EventSource {
  return async function* (signal): AsyncGenerator<ServerEvent> {
    let known = since
    while (!signal.aborted) {
      const { position, isSnapshot, clusters, removed } = service.changes(user, known)
      const id = `${position.epoch}-${position.version}`
      const infos = clusters.map((each) => clusterInfo(each, dashboardRoute))
      if (isSnapshot) yield { id, event: 'snapshot', data: { clusters: infos } }
      else {
        // Each as far as it goes: only the last may carry the position that all of them lead to.
        const events = [
          ...infos.map((data) => ({ event: 'cluster', data })),
          ...removed.map((name) => ({ event: 'removed', data: { name } })),
        ]
        for (const [index, event] of events.entries())
          yield { id: index === events.length - 1 ? id : '', ...event }
      }
      known = position
      await service.whenChanged(user, position, signal)
      await delay(restMs, undefined, { signal }).catch(() => undefined)
    }
  }
}

/** `EPOCH-VERSION` of a Last-Event-ID; null: none, or none of ours. */
export function feedPosition(id: string | null): FeedPosition | null {
  const [, epoch, version] = /^([0-9a-f]{16})-(\d{1,15})$/.exec(id ?? '') ?? []
  return epoch === undefined ? null : { epoch, version: Number(version) }
}

/** Without the beginning of a character at the end (RFC 3629), which comes whole with the next piece. */
function wholeCharacters(bytes: Buffer): Buffer {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0
    if ((byte & 0xc0) === 0x80) continue
    const needs = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1
    return needs > back ? bytes.subarray(0, bytes.length - back) : bytes
  }
  return bytes
}

export function lastLines(bytes: Buffer, count: number): Buffer {
  const newline = 0x0a
  let start = bytes.at(-1) === newline ? bytes.length - 1 : bytes.length
  for (let line = 0; line < count; line++) {
    if (start <= 0) return bytes
    start = bytes.lastIndexOf(newline, start - 1)
    if (start < 0) return bytes
  }
  return bytes.subarray(start + 1)
}
