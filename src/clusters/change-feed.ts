import { randomHex } from '../util/index.ts'

const keptRemovals = 10_000

/**
 * Which clusters changed since when, for those who follow them. Versions grow by one with each change, and mean nothing
 * to another run of the gateway. Level-based: who follows asks what differs from the version that it has, so that
 * nothing piles up for the slow.
 */
export class ChangeFeed {
  /** Random, of this run. */
  readonly epoch = randomHex(8)
  readonly #versions = new Map<string, number>()
  readonly #watchers = new Map<string, Set<() => void>>()
  // Only of users who have had clusters in this run.
  readonly #versionsOfUsers = new Map<string, number>()
  readonly #removals: { readonly version: number; readonly name: string; username: string }[] = []
  #version = 0
  #forgottenUpTo = 0

  get version(): number {
    return this.#version
  }

  versionOf(name: string): number {
    return this.#versions.get(name) ?? 0
  }

  /** Of the last change to any cluster of a user. */
  versionOfUser(username: string): number {
    return this.#versionsOfUsers.get(username) ?? 0
  }

  changed(name: string, username: string): void {
    this.#versions.set(name, ++this.#version)
    this.#tell(username)
  }

  removed(name: string, username: string): void {
    this.#versions.delete(name)
    this.#removals.push({ version: ++this.#version, name, username })
    if (this.#removals.length > keptRemovals)
      this.#forgottenUpTo = this.#removals.shift()?.version ?? 0
    this.#tell(username)
  }

  /** The clusters of a user that were removed since a version; null: that is too long ago. */
  removedSince(username: string, version: number): readonly string[] | null {
    if (version < this.#forgottenUpTo || version > this.#version) return null
    return this.#removals
      .filter((each) => each.version > version && each.username === username)
      .map(({ name }) => name)
  }

  /** Calls `onChange` after each change of a cluster of this user until the returned function is called. */
  watch(username: string, onChange: () => void): () => void {
    const watchers = this.#watchers.get(username) ?? new Set()
    this.#watchers.set(username, watchers.add(onChange))
    return () => {
      watchers.delete(onChange)
      if (watchers.size === 0 && this.#watchers.get(username) === watchers)
        this.#watchers.delete(username)
    }
  }

  #tell(username: string): void {
    this.#versionsOfUsers.set(username, this.#version)
    for (const onChange of [...(this.#watchers.get(username) ?? [])]) onChange()
  }
}
