import * as z from 'zod'
import { limits, type Reply, type Verb } from '../../launcher/index.ts'

/**
 * The reply in what the launcher printed; null: there is none, or not one to this verb. The launcher is root's, but it runs as the user,
 * who may trace processes of his own: what it says is checked as all that users say.
 */
export function readReply<V extends Verb>(verb: V, text: string): Reply<V> | null {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return null
  }
  const { success, data } = z.union([failure, replies[verb]]).safeParse(json)
  return success ? (data as Reply<V>) : null
}

const words = z.string()
const ok = z.literal(true)
const failure = z.object({
  ok: z.literal(false),
  code: z.enum(['request', 'refused', 'staging', 'command', 'internal']),
  error: words,
})
const answered = z.object({
  outcome: z.literal('answered'),
  returncode: z.int(),
  stdout: words,
  stderr: words,
})
const unknown = z.object({ outcome: z.literal('unknown'), error: words })
const usable = z.union([
  z.object({ usable: z.literal(true), path: words }),
  z.object({ usable: z.literal(false), error: words }),
])

const replies: { readonly [V in Verb]: z.ZodType } = {
  version: z.object({
    ...{ ok, version: words, user: words, uid: z.int(), home: words, limited: z.boolean() },
    commands: z.exactOptional(z.object({ submit: usable, cancel: usable, status: usable })),
    stagingRoot: z.exactOptional(usable),
  }),
  submit: z.object({
    ...{ ok, directory: words, remains: z.exactOptional(words) },
    outcomes: z.array(z.union([answered, unknown, z.object({ outcome: z.literal('not-tried') })])),
  }),
  cancel: z.object({
    ok,
    results: z.array(
      z.intersection(z.object({ ids: z.array(words) }), z.union([answered, unknown])),
    ),
  }),
  status: z.intersection(z.object({ ok, cut: z.boolean() }), z.union([answered, unknown])),
  log: z.object({
    ok,
    logs: z
      .array(
        z.union([
          z.object({ found: z.literal(false) }),
          z.object({
            ...{ found: z.literal(true), sizeBytes: z.int().min(0) },
            base64: words.max(Math.ceil(limits.logBytes / 3) * 4),
          }),
        ]),
      )
      .min(1)
      .max(limits.logs),
  }),
  clean: z.object({ ok, removed: z.boolean() }),
  claim: z.object({ ok, claims: z.record(words, z.enum(['made', 'exists'])) }),
}
