import type { Native } from './native.ts'

// The structures of gssapi.h and gssapi_ext.h, where pointers and size_t have 8 bytes:
//   gss_buffer_desc { size_t length; void *value; }                 gss_OID_desc { uint32_t length; void *elements; }
//   gss_OID_set_desc { size_t count; gss_OID_desc *elements; }      gss_key_value_set_desc { uint32_t count; … *elements; }
//   gss_key_value_element_desc { const char *key, *value; }
//   gss_channel_bindings_struct { uint32_t type; gss_buffer_desc address; uint32_t type; gss_buffer_desc address, application; }

/** The memory of one call of the library: it stays where it is until `end`, which comes after the call. */
export interface CallMemory {
  /** Room for a pointer, a status or a number, all zero. */
  cell(): Buffer
  /** A buffer that holds these bytes. */
  filled(bytes: Uint8Array): Buffer
  /** A buffer that the library fills; see `take`. */
  empty(): Buffer
  oid(elements: readonly number[]): Buffer
  oidSet(oids: readonly (readonly number[])[]): Buffer
  keyValues(values: { readonly [key: string]: string }): Buffer
  /** Channel bindings that consist of application data (RFC 5929). */
  bindings(data: Uint8Array): Buffer
  /** Keeps memory that came from elsewhere. */
  keep(memory: Buffer): void
  /** What the library has put into an `empty` buffer, copied; the library's own memory is given back. */
  take(buffer: Buffer): Buffer
  end(): void
}

/** Runs `work` with memory that stays until it has ended; a promise's work ends when that is settled. */
export function withMemory<T>(native: Native, work: (memory: CallMemory) => T): T {
  const memory = createCallMemory(native)
  let isPending = false
  try {
    const result = work(memory)
    if (!(result instanceof Promise)) return result
    isPending = true
    // The same promise, but for when it is settled.
    return result.finally(() => memory.end()) as T
  } finally {
    if (!isPending) memory.end()
  }
}

function createCallMemory(native: Native): CallMemory {
  const held: Uint8Array[] = []

  function hold<T extends Uint8Array>(memory: T): T {
    held.push(memory)
    return memory
  }

  function pair(first: number | bigint, second: Uint8Array): Buffer {
    const memory = Buffer.alloc(16)
    memory.writeBigUInt64LE(BigInt(first), 0)
    memory.writeBigUInt64LE(addressOf(second), 8)
    return hold(memory)
  }

  function addressOf(bytes: Uint8Array): bigint {
    hold(bytes)
    const { buffer, byteOffset, byteLength } = bytes
    return byteLength === 0 ? 0n : native.addressOf(Buffer.from(buffer, byteOffset, byteLength))
  }

  const text = (value: string) => Buffer.from(`${value}\0`)
  const cell = () => hold(Buffer.alloc(8))
  const filled = (bytes: Uint8Array) => pair(bytes.length, bytes)
  const oid = (elements: readonly number[]) => pair(elements.length, Buffer.from(elements))

  return {
    cell,
    filled,
    empty: () => hold(Buffer.alloc(16)),
    oid,
    oidSet: (oids) => pair(oids.length, Buffer.concat(oids.map(oid))),
    keyValues(values) {
      const elements = Object.entries(values).map(([key, value]) =>
        pair(addressOf(text(key)), text(value)),
      )
      return pair(elements.length, Buffer.concat(elements))
    },
    bindings(data) {
      const memory = Buffer.alloc(64)
      filled(data).copy(memory, 48)
      return hold(memory)
    },
    keep: hold,
    take(buffer) {
      const copy = Buffer.alloc(Number(buffer.readBigUInt64LE(0)))
      if (copy.length > 0) native.memcpy(copy, buffer.readBigUInt64LE(8), copy.length)
      native.releaseBuffer(Buffer.alloc(8), buffer)
      return copy
    },
    // To be called is enough: until then this closure, and so the memory, is referenced.
    end() {
      held.length = 0
    },
  }
}
