import { withMemory } from './memory.ts'
import type { Native } from './native.ts'
import { oids } from './oids.ts'
import { throwIfFailed } from './status.ts'

/** The address of something that the library keeps, and that is given back to it once. 0n: nothing. */
export type Handle = bigint

/** `HTTP@host`, or `HTTP` of any host, is a service; `HTTP/host@REALM` and `alice` are principals. */
export function importName(native: Native, text: string, kind: 'service' | 'principal'): Handle {
  return withMemory(native, (memory) => {
    const minor = memory.cell()
    const name = memory.cell()
    const form = memory.oid(kind === 'service' ? oids.hostBasedService : oids.principalName)
    const major = native.importName(minor, memory.filled(Buffer.from(text)), form, name)
    throwIfFailed(native, major, minor, `The Kerberos name ${JSON.stringify(text)} cannot be used`)
    return name.readBigUInt64LE()
  })
}

export function displayName(native: Native, name: Handle): string {
  return withMemory(native, (memory) => {
    const minor = memory.cell()
    const text = memory.empty()
    const major = native.displayName(minor, name, text, null)
    throwIfFailed(native, major, minor, 'A Kerberos name cannot be shown')
    return memory.take(text).toString()
  })
}

export function releaseName(native: Native, name: Handle): void {
  if (name !== 0n) native.releaseName(Buffer.alloc(8), cellOf(name))
}

/** What the releasing functions want: where the handle is. */
export function cellOf(handle: Handle): Buffer {
  const cell = Buffer.alloc(8)
  cell.writeBigUInt64LE(handle)
  return cell
}
