import type { applicationId, containerId } from '../messages/yarn-common.ts'
import type { MessageOf } from '../wire/message.ts'

export interface ApplicationId {
  readonly id: number
  /** When the ResourceManager that gave it started, in ms. */
  readonly clusterTimestamp: number
}

/** application_<timestamp>_<id>, as people and logs have it. */
export function applicationIdText({
  id = 0,
  clusterTimestamp = 0,
}: MessageOf<typeof applicationId>): string {
  return `application_${clusterTimestamp}_${String(id).padStart(4, '0')}`
}

/** Null: it is none. */
export function readApplicationId(text: string): ApplicationId | null {
  const [, timestamp, id] = /^application_(\d{1,15})_(\d{1,9})$/.exec(text) ?? []
  if (timestamp === undefined || id === undefined) return null
  return { clusterTimestamp: Number(timestamp), id: Number(id) }
}

/** container_[e<epoch>_]<timestamp>_<application>_<attempt>_<number>; the epoch counts the ResourceManager's restarts. */
export function containerIdText(id: MessageOf<typeof containerId>): string {
  const { applicationId, attemptId = 0 } = id.applicationAttemptId ?? {}
  const { id: application = 0, clusterTimestamp = 0 } = applicationId ?? {}
  const epoch = Math.floor((id.id ?? 0) / 2 ** 40)
  const number = (id.id ?? 0) % 2 ** 40
  const padded = (value: number, digits: number) => String(value).padStart(digits, '0')
  return `container_${epoch > 0 ? `e${padded(epoch, 2)}_` : ''}${clusterTimestamp}_${padded(application, 4)}_${padded(attemptId, 2)}_${padded(number, 6)}`
}
