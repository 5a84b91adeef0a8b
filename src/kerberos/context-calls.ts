import { KerberosError } from './kerberos-error.ts'
import { type CallMemory, withMemory } from './memory.ts'
import { displayName, type Handle, releaseName } from './name-calls.ts'
import type { Native } from './native.ts'
import { oids } from './oids.ts'
import { throwIfFailed } from './status.ts'

/** Where the library keeps the handle of a context: it writes to it at the first step. */
export type ContextCell = Buffer

export interface StepResult {
  /** For the other side; empty: nothing. */
  readonly token: Buffer
  readonly done: boolean
  /** What the ticket is still good for. */
  readonly lifeSeconds: number
}

const continueNeeded = 1
// GSS_C_MUTUAL_FLAG, _REPLAY_, _SEQUENCE_, _INTEG_; and _CONF_.
const always = 2 | 4 | 8 | 32
const confidentiality = 16
// GSS_S_DUPLICATE_TOKEN, _OLD_, _UNSEQ_, _GAP_.
const outOfOrder = 2 | 4 | 8 | 16

/** In a thread. The first step asks the KDC, unless the ticket for the target is in the cache. */
export function initiate(
  native: Native,
  cell: ContextCell,
  options: {
    /** null: the tickets that the user has, by kinit. */
    readonly credential: Handle | null
    readonly target: Handle
    readonly mechanism: 'krb5' | 'spnego'
    readonly confidential: boolean
    readonly bindings: Uint8Array | null
    readonly token: Uint8Array | null
    readonly doing: string
  },
): Promise<StepResult> {
  const { credential, target, mechanism, confidential, bindings, token, doing } = options
  return withMemory(native, async (memory) => {
    const minor = memory.cell()
    const out = memory.empty()
    const life = memory.cell()
    const flags = confidential ? always | confidentiality : always
    const bound = bindings === null ? null : memory.bindings(bindings)
    const given = token === null ? null : memory.filled(token)
    const kind = memory.oid(oids[mechanism])
    memory.keep(cell)
    const major = await native.initSecContext.inThread(
      ...[minor, credential, cell, target, kind, flags, 0, bound, given, null, out, null, life],
    )
    return stepResult(native, memory, major, { minor, out, life, doing })
  })
}

/** In a thread. */
export function accept(
  native: Native,
  cell: ContextCell,
  options: {
    readonly credential: Handle
    readonly bindings: Uint8Array | null
    readonly token: Uint8Array
    readonly doing: string
  },
): Promise<StepResult> {
  const { credential, bindings, token, doing } = options
  return withMemory(native, async (memory) => {
    const minor = memory.cell()
    const out = memory.empty()
    const life = memory.cell()
    const bound = bindings === null ? null : memory.bindings(bindings)
    const given = memory.filled(token)
    memory.keep(cell)
    const major = await native.acceptSecContext.inThread(
      ...[minor, cell, credential, given, bound, null, null, out, null, life, null],
    )
    return stepResult(native, memory, major, { minor, out, life, doing })
  })
}

function stepResult(
  native: Native,
  memory: CallMemory,
  major: number,
  from: {
    readonly minor: Buffer
    readonly out: Buffer
    readonly life: Buffer
    readonly doing: string
  },
): StepResult {
  // Taken even when the call has failed: a refusal may be a token, too, and has to be released.
  const token = memory.take(from.out)
  throwIfFailed(native, major, from.minor, from.doing)
  return { token, done: (major & continueNeeded) === 0, lifeSeconds: from.life.readUInt32LE() }
}

export function deleteContext(native: Native, cell: ContextCell): void {
  if (cell.readBigUInt64LE() !== 0n) native.deleteSecContext(Buffer.alloc(8), cell, null)
}

/** The principals of both sides of an established context, such as `alice@EXAMPLE.ORG`. */
export function namesOf(
  native: Native,
  cell: ContextCell,
): { readonly initiator: string; readonly acceptor: string } {
  return withMemory(native, (memory) => {
    const minor = memory.cell()
    const initiator = memory.cell()
    const acceptor = memory.cell()
    const context = cell.readBigUInt64LE()
    const major = native.inquireContext(
      ...[minor, context, initiator, acceptor, null, null, null, null, null],
    )
    throwIfFailed(native, major, minor, 'Who is on the other side cannot be told')
    const names = [initiator.readBigUInt64LE(), acceptor.readBigUInt64LE()] as const
    try {
      return {
        initiator: displayName(native, names[0]),
        acceptor: displayName(native, names[1]),
      }
    } finally {
      for (const name of names) releaseName(native, name)
    }
  })
}

export function wrap(
  native: Native,
  cell: ContextCell,
  bytes: Uint8Array,
  confidential: boolean,
): Buffer {
  return withMemory(native, (memory) => {
    const minor = memory.cell()
    const out = memory.empty()
    const isConfidential = memory.cell()
    const context = cell.readBigUInt64LE()
    const given = memory.filled(bytes)
    const major = native.wrap(minor, context, confidential ? 1 : 0, 0, given, isConfidential, out)
    const wrapped = memory.take(out)
    throwIfFailed(native, major, minor, 'A message cannot be protected')
    if (confidential && isConfidential.readInt32LE() === 0)
      throw new KerberosError('refused', 'A message cannot be encrypted in this context')
    return wrapped
  })
}

/** Throws for what was changed, repeated, left out or put in another order, too. */
export function unwrap(
  native: Native,
  cell: ContextCell,
  token: Uint8Array,
): { readonly bytes: Buffer; readonly confidential: boolean } {
  return withMemory(native, (memory) => {
    const minor = memory.cell()
    const out = memory.empty()
    const isConfidential = memory.cell()
    const context = cell.readBigUInt64LE()
    const major = native.unwrap(minor, context, memory.filled(token), out, isConfidential, null)
    const bytes = memory.take(out)
    throwIfFailed(native, major, minor, 'A protected message is not genuine')
    if ((major & outOfOrder) !== 0)
      throw new KerberosError('refused', 'A protected message came twice or out of its order')
    return { bytes, confidential: isConfidential.readInt32LE() !== 0 }
  })
}
