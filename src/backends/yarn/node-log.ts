import type { LogPiece } from '../../core/index.ts'
import { type ApplicationId, containerIdText, isSecure } from '../../hadoop/index.ts'
import type { HadoopPlace } from './hadoop-place.ts'

const limitMs = 5000

/** A container of an application, by its number. */
export interface ContainerName {
  readonly application: ApplicationId
  readonly number: number
}

export function containerText({ application, number }: ContainerName): string {
  return containerIdText({
    applicationAttemptId: { applicationId: application, attemptId: 1 },
    id: number,
  })
}

/**
 * The end of what a running container has said, as its NodeManager shows it on its pages: where YARN has neither Kerberos nor ACLs.
 * null: it does not show it to us. That application masters tell of containers is not enough to go to an address: the
 * ResourceManager says which it is.
 */
export async function nodeLog(
  place: HadoopPlace,
  user: string,
  name: ContainerName,
  maxBytes: number,
  signal: AbortSignal,
): Promise<LogPiece | null> {
  if (isSecure(place.configuration)) return null
  try {
    const containers = await place.manager.as(user).containers(name.application, 1, { signal })
    const node = containers.find(({ containerId }) => containerId?.id === name.number)
    const host = node?.nodeHttpAddress?.replace(/^https?:\/\//, '')
    if (host === undefined) return null
    const path = `ws/v1/node/containers/${containerText(name)}/logs/stderr`
    const url = `http://${host}/${path}?size=-${maxBytes}`
    const reply = await fetch(url, {
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(limitMs)]),
    })
    if (!reply.ok) return null
    return contentsOf(await atMost(reply, maxBytes + 4096), maxBytes)
  } catch {
    // Whatever it was: the log is not to be had in this way.
    return null
  }
}

/** What stands between the lines that a NodeManager puts around the last `maxBytes` of a log. */
export function contentsOf(page: Buffer, maxBytes: number): LogPiece | null {
  const [head, digits] =
    /^[\s\S]*?\nLogLength:(\d+)\nLogContents:\n/.exec(page.toString('latin1')) ?? []
  if (head === undefined) return null
  const length = Number(digits)
  const bytes = page.subarray(head.length).subarray(0, Math.min(length, maxBytes))
  return { from: length - bytes.length, bytes }
}

async function atMost(reply: Response, most: number): Promise<Buffer> {
  const parts: Uint8Array[] = []
  let count = 0
  for await (const part of reply.body ?? []) {
    count += part.length
    if (count > most) throw new Error('too much')
    parts.push(part)
  }
  return Buffer.concat(parts)
}
