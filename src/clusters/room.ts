export interface Room {
  /** How many workers are started by one call at most. */
  readonly workers: number
  /** Not before. */
  readonly from: number
}

/** In one step, after which it is looked again whether the cluster is still wanted. */
const mostStartedAtOnce = 100

export const fullRoom: Room = { workers: mostStartedAtOnce, from: 0 }

/**
 * What may be asked for after some workers found room or did not. After a limit was met one worker tries it again, and as long as all
 * find room, twice as many.
 */
export function roomAfter(before: Room, wasEnough: boolean, again: number): Room {
  if (!wasEnough) return { workers: 1, from: again }
  return { workers: Math.min(2 * before.workers, mostStartedAtOnce), from: 0 }
}
