import {
  type ContextCell,
  deleteContext,
  namesOf,
  type StepResult,
  unwrap,
  wrap,
} from './context-calls.ts'
import { KerberosError } from './kerberos-error.ts'
import type { Native } from './native.ts'
import { withLimit } from './with-limit.ts'

/** One conversation with the other side: tokens go to and fro until both know each other, then messages are protected. */
export interface SecurityContext {
  /**
   * Takes the other side's token (null: we begin) and gives the next one for it (null: there is none). One at a time. Rejects
   * with a KerberosError when the other side is not who it must be, or the time is over; the context is of no use then.
   */
  step(token: Uint8Array | null): Promise<Step>
  /** The principals of both sides, such as `alice@EXAMPLE.ORG`. Only when done. */
  names(): { readonly initiator: string; readonly acceptor: string }
  /** Protects a message; `confidential`: encrypted, too. Only when done; in the order in which the messages are sent. */
  wrap(bytes: Uint8Array, confidential: boolean): Buffer
  /** Throws for what was changed, comes twice or out of order. */
  unwrap(token: Uint8Array): { readonly bytes: Buffer; readonly confidential: boolean }
  /** Gives back what the library holds for it. May be called twice, and during a step. */
  close(): void
}

export interface Step {
  readonly token: Buffer | null
  readonly done: boolean
}

/** The library's side of a step. It is told when nobody waits any more, and need not begin then. */
export type TakeStep = (
  cell: ContextCell,
  token: Uint8Array | null,
  isWanted: () => boolean,
) => Promise<StepResult>

export function createSecurityContext(
  open: () => Promise<Native>,
  options: { readonly limitMs: number; readonly tooLate: string; readonly takeStep: TakeStep },
): SecurityContext {
  const cell: ContextCell = Buffer.alloc(8)
  let native: Native | null = null
  let phase: 'open' | 'stepping' | 'done' | 'closed' = 'open'
  let isInUse = false

  const isStepping = () => phase === 'stepping'

  function close(): void {
    phase = 'closed'
    // While a call runs, the context is the library's.
    if (!isInUse && native !== null) deleteContext(native, cell)
  }

  async function work(token: Uint8Array | null): Promise<StepResult> {
    isInUse = true
    try {
      native = await open()
      return await options.takeStep(cell, token, isStepping)
    } finally {
      isInUse = false
      if (phase === 'closed') close()
    }
  }

  function established(): Native {
    if (phase !== 'done' || native === null)
      throw new KerberosError('misuse', `A security context is ${phase}, not done`)
    return native
  }

  return {
    async step(token) {
      if (phase !== 'open')
        throw new KerberosError('misuse', `A security context takes no step: it is ${phase}`)
      phase = 'stepping'
      try {
        const result = await withLimit(work(token), options.limitMs, options.tooLate)
        if (!isStepping()) throw new KerberosError('misuse', 'The security context was closed')
        phase = result.done ? 'done' : 'open'
        return { token: result.token.length > 0 ? result.token : null, done: result.done }
      } catch (error) {
        close()
        throw error
      }
    },
    names: () => namesOf(established(), cell),
    wrap: (bytes, confidential) => wrap(established(), cell, bytes, confidential),
    unwrap: (token) => unwrap(established(), cell, token),
    close,
  }
}
