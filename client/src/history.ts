import type { LogQuery } from './admin-client.ts'
import type { Connection } from './connection.ts'
import { type FollowOptions, follow } from './follow.ts'
import type { Event, LogPiece } from './types.ts'

/** The events of the cluster at `path`, those that were and those to come, until it has ended. */
export async function* followedEvents(
  connection: Connection,
  path: string,
  after: number,
  options?: FollowOptions,
): AsyncGenerator<Event> {
  for await (const { data } of follow(connection, `${path}/events`, { after }, options))
    yield data as Event
}

/** A log of the cluster at `path`, as it grows, until its process has ended. */
export async function* followedLog(
  connection: Connection,
  path: string,
  query: LogQuery = {},
  options?: FollowOptions,
): AsyncGenerator<LogPiece> {
  for await (const { data } of follow(connection, `${path}/logs`, { ...query }, options))
    yield data as LogPiece
}
