import * as z from 'zod'
import { GatewayError } from '../../core/index.ts'

/** What an application master tells of one worker. */
export type WorkerFact = z.infer<typeof workerFact>

const count = z.int().min(0).max(Number.MAX_SAFE_INTEGER)
const workerFact = z.object({
  state: z.enum(['asked', 'starting', 'running', 'stopping', 'ended']),
  host: z.string().max(256).optional(),
  container: count.optional(),
  since: count.optional(),
  why: z.enum(['cancelled', 'stopped', 'ended', 'not started', 'refused']).optional(),
  exit: z.int().optional(),
  words: z.string().max(8192).optional(),
})

const masterMessage = z.object({
  epoch: z.string().max(64).nullable(),
  version: count.nullable(),
  /** Seconds that the answer may be waited for. */
  wait: z.number().min(0).max(25),
  workers: z.record(z.string().regex(/^[0-9a-f]{16}$/), workerFact),
  log: z.object({ from: count, base64: z.base64().max(512 * 1024) }),
})

export type MasterMessage = z.infer<typeof masterMessage>

/** Throws 'invalid'. */
export function readMasterMessage(body: unknown): MasterMessage {
  const result = masterMessage.safeParse(body)
  if (result.success) return result.data
  const [issue] = result.error.issues
  throw new GatewayError(
    'invalid',
    `The message's ${issue?.path.join('.') || 'body'} is wrong: ${issue?.message}`,
  )
}
