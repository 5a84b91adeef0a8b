import { isFinal, type User } from '../core/index.ts'
import { detailsOf } from './cluster-details.ts'
import type { ClusterService, FeedPosition, ShownStatus } from './cluster-service.ts'
import type { Entry, Records } from './records.ts'
import { viewOf } from './shown-status.ts'

type Following = Pick<ClusterService, 'changes' | 'whenChanged' | 'nextEvents' | 'waitWhilePending'>

/** The client asks again after as long when it is told STOPPING: most ends are over sooner. */
const endingMs = 500

/**
 * For those who look on, or wait: what changed in a user's clusters, and what happens to one. Whoever asks says where they are, so
 * nothing is kept for them meanwhile.
 */
export function followClusters(
  records: Records,
  ownEntry: (user: User, name: string) => Entry,
): Following {
  const feed = records.changes

  return {
    changes(user, since) {
      const position: FeedPosition = { epoch: feed.epoch, version: feed.version }
      const own = [...records.ofUser(user.name)]
      const removed =
        since?.epoch === feed.epoch ? feed.removedSince(user.name, since.version) : null
      if (since === null || removed === null) {
        const live = own.filter(({ cluster }) => !isFinal(cluster.status))
        return { position, isSnapshot: true, clusters: live.map(detailsOf), removed: [] }
      }
      const changed = own.filter(({ cluster }) => feed.versionOf(cluster.name) > since.version)
      return { position, isSnapshot: false, clusters: changed.map(detailsOf), removed }
    },

    whenChanged(user, since, signal) {
      const isNew = () =>
        since.epoch !== feed.epoch || feed.versionOfUser(user.name) > since.version
      return waitUntil(isNew, (onChange) => feed.watch(user.name, onChange), signal)
    },

    async nextEvents(user, name, afterId, limit, signal) {
      ownEntry(user, name)
      for (;;) {
        const version = feed.versionOf(name)
        const entry = records.get(name)
        const isOver = entry === undefined || isFinal(entry.cluster.status)
        const events = entry === undefined ? [] : await records.events(name, afterId, limit)
        if (events.length > 0 || isOver || signal.aborted)
          return { events, isOver: isOver && events.length < limit }
        const isNew = () => feed.versionOf(name) !== version
        await waitUntil(isNew, (onChange) => records.watch(name, onChange), signal)
      }
    },

    async waitWhilePending(user, name, limitMs, signal) {
      const view = () => viewOf(ownEntry(user, name))
      const whileShown = (shown: ShownStatus, mostMs: number) =>
        waitUntil(
          () => records.get(name) === undefined || view().shown !== shown,
          (onChange) => records.watch(name, onChange),
          AbortSignal.any([signal, AbortSignal.timeout(mostMs)]),
        )
      if (view().shown !== 'PENDING') return view()
      await whileShown('PENDING', limitMs)
      await whileShown('STOPPING', endingMs)
      return view()
    },
  }
}

/** Resolves when `isSo`, which `watch` tells to look at again, or when `signal` aborts. */
function waitUntil(
  isSo: () => boolean,
  watch: (onChange: () => void) => () => void,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted || isSo()) return resolve()
    const done = () => {
      unwatch()
      signal.removeEventListener('abort', done)
      resolve()
    }
    const unwatch = watch(() => {
      if (isSo()) done()
    })
    signal.addEventListener('abort', done)
  })
}
