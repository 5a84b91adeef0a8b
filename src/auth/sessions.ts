import { hash } from 'node:crypto'
import {
  type Logger,
  messageOf,
  type Session,
  type SessionStore,
  type Sessions,
  type User,
} from '../core/index.ts'
import { randomHex } from '../util/index.ts'

export interface SessionSettings {
  readonly cookieName: string
  /** Seconds: sessions begun by a header. */
  readonly cacheMaxAge: number
  /** Seconds: sessions begun by a login. */
  readonly sessionMaxAge: number
}

const maxSessionsPerUser = 1000
// With no password, names cost nothing, so the limit by user alone would not bound the memory.
const maxSessions = 100_000
const pruneEveryMs = 60_000

/**
 * Sessions in memory, written behind to the store so that they survive a restart. A store that cannot be written costs
 * only that: a warning, and people log in again after the next restart.
 */
export async function createSessions(
  store: SessionStore,
  settings: SessionSettings,
  logger: Logger,
  now: () => number = Date.now,
): Promise<Sessions> {
  const byHash = new Map<string, Session>()
  // The hashes of a user's sessions, the oldest first.
  const byUser = new Map<string, Set<string>>()
  // A program without cookies sends its header each time; it gets the same session for as long as half
  // of that one's life is left, so that a request is not a write.
  const reusable = new Map<string, { readonly value: string; readonly session: Session }>()
  const endListeners: ((id: string) => void)[] = []
  let prunedAt = now()

  await store.removeExpiredSessions(now())
  for (const { hash, session } of await store.loadSessions(now())) remember(hash, session)

  function remember(hash: string, session: Session): void {
    byHash.set(hash, session)
    const hashes = byUser.get(session.user.name)
    if (hashes === undefined) byUser.set(session.user.name, new Set([hash]))
    else hashes.add(hash)
  }

  function forget(hash: string): Session | null {
    const session = byHash.get(hash)
    if (session === undefined) return null
    byHash.delete(hash)
    const hashes = byUser.get(session.user.name)
    hashes?.delete(hash)
    if (hashes?.size === 0) byUser.delete(session.user.name)
    const key = JSON.stringify(session.user)
    if (reusable.get(key)?.session === session) reusable.delete(key)
    return session
  }

  function found(hash: string): Session | null {
    const session = byHash.get(hash)
    return session !== undefined && session.expiresAt > now() ? session : null
  }

  async function write(what: () => Promise<void>): Promise<void> {
    try {
      await what()
    } catch (error) {
      logger.warn(
        `A session could not be written and will not survive a restart: ${messageOf(error)}`,
      )
    }
  }

  async function prune(): Promise<void> {
    const time = now()
    if (time - prunedAt < pruneEveryMs) return
    prunedAt = time
    for (const [hash, session] of byHash) if (session.expiresAt <= time) forget(hash)
    await write(() => store.removeExpiredSessions(time))
  }

  async function makeRoom(username: string): Promise<void> {
    const hashes = byUser.get(username)
    const oldest =
      hashes !== undefined && hashes.size >= maxSessionsPerUser
        ? hashes.values().next().value
        : byHash.size >= maxSessions
          ? byHash.keys().next().value
          : undefined
    if (oldest === undefined) return
    forget(oldest)
    await write(() => store.removeSession(oldest))
  }

  async function begin(user: User, kind: Session['kind'], lifeMs: number) {
    await prune()
    await makeRoom(user.name)
    const value = randomHex(16)
    const session: Session = { user, kind, expiresAt: now() + lifeMs }
    remember(hashOf(value), session)
    await write(() => store.putSession(hashOf(value), session))
    return { value, session }
  }

  return {
    cookieName: settings.cookieName,
    async create(user, kind) {
      const lifeMs = 1000 * (kind === 'header' ? settings.cacheMaxAge : settings.sessionMaxAge)
      const key = JSON.stringify(user)
      const known = kind === 'header' ? reusable.get(key) : undefined
      const usable =
        known !== undefined &&
        known.session.expiresAt - now() > lifeMs / 2 &&
        byHash.has(hashOf(known.value))
      const { value, session } = usable ? known : await begin(user, kind, lifeMs)
      if (kind === 'header') reusable.set(key, { value, session })
      return { value, maxAgeSeconds: Math.max(0, Math.ceil((session.expiresAt - now()) / 1000)) }
    },
    find(value) {
      if (!/^[0-9a-f]{32}$/.test(value)) return null
      return found(hashOf(value))
    },
    idOf,
    isOpen: (id) => found(Buffer.from(id, 'base64url').toString('hex')) !== null,
    onEnd: (listener) => void endListeners.push(listener),
    users: () => byUser.keys(),
    async end(value) {
      if (forget(hashOf(value)) === null) return
      for (const listener of endListeners) listener(idOf(value))
      await write(() => store.removeSession(hashOf(value)))
    },
  }
}

function hashOf(value: string): string {
  return hash('sha256', value)
}

function idOf(value: string): string {
  return Buffer.from(hashOf(value), 'hex').toString('base64url')
}
