import type { OwnJob } from './survey.ts'

/** Finds jobs of this instance that no record knows: missed twice, and old enough since they were first seen so. */
export class StrayJobs {
  /** When each was first seen to be no current attempt's, on a clock that does not jump. */
  readonly #since = new Map<string, number>()

  /** Those of `jobs` to stop. */
  find<J extends Pick<OwnJob, 'id' | 'state' | 'attemptId'>>(
    jobs: readonly J[],
    isCurrent: (attemptId: string) => boolean,
    minAgeMs: number,
    now: number,
  ): readonly J[] {
    const strays = jobs.filter(
      ({ state, attemptId }) => state !== 'ended' && (attemptId === null || !isCurrent(attemptId)),
    )
    const ids = new Set(strays.map(({ id }) => id))
    for (const id of this.#since.keys()) if (!ids.has(id)) this.#since.delete(id)
    return strays.filter(({ id }) => {
      const since = this.#since.get(id)
      if (since === undefined) this.#since.set(id, now)
      return since !== undefined && now - since >= minAgeMs
    })
  }
}
