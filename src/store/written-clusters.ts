import type { Cluster } from '../core/index.ts'

/**
 * The clusters as they are surely in the database, so that only what differs is written. While a write of a cluster is under way it
 * is not known how it is there. They are the values that the gateway has in memory anyway.
 */
export class WrittenClusters {
  readonly #written = new Map<string, Cluster>()
  readonly #underWay = new Map<string, Cluster>()

  /** How a cluster is in the database; null: it is not there, or that is not known. */
  begin(cluster: Cluster): Cluster | null {
    const written = this.#written.get(cluster.name) ?? null
    this.#written.delete(cluster.name)
    this.#underWay.set(cluster.name, cluster)
    return written
  }

  /** That write is over. Of several, the last one counts. */
  end(cluster: Cluster, isWritten: boolean): void {
    if (this.#underWay.get(cluster.name) !== cluster) return
    this.#underWay.delete(cluster.name)
    if (isWritten) this.#written.set(cluster.name, cluster)
  }

  forget(name: string): void {
    this.#written.delete(name)
    this.#underWay.delete(name)
  }
}
