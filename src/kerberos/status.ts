import { KerberosError, type KerberosReason } from './kerberos-error.ts'
import { withMemory } from './memory.ts'
import type { Native } from './native.ts'
import { oids } from './oids.ts'

const codeOfMajor = 1
const codeOfMechanism = 2
// GSS_S_FAILURE: its text says that the minor one says more.
const failure = 13
// Numbers of libkrb5 (krb5.h), as signed 32 bits.
const cannotReachKdc = -1765328228
const keytabNotFound = -1765328203
const keytabUnreadable = new Set([2, 13])

/** Throws when a call has failed; a status may also carry news, which are no failure. */
export function throwIfFailed(native: Native, major: number, minor: Buffer, doing: string): void {
  const routine = (major >>> 16) & 0xff
  if (major >>> 16 === 0) return
  const minorNumber = minor.readUInt32LE()
  const majorText = textOf(native, major, codeOfMajor)
  const minorText = minorNumber === 0 ? '' : textOf(native, minorNumber, codeOfMechanism)
  const said = [routine === failure && minorText !== '' ? '' : majorText, minorText]
  throw new KerberosError(
    reasonOf(minorNumber | 0),
    `${doing}: ${said.filter((text) => text !== '').join(': ')}`,
    { status: { major, minor: minorNumber, majorText, minorText } },
  )
}

function reasonOf(minor: number): KerberosReason {
  if (minor === cannotReachKdc) return 'unavailable'
  return minor === keytabNotFound || keytabUnreadable.has(minor) ? 'keytab' : 'refused'
}

// A status may have several messages; the limit is against a library that never says which was the last.
const maxMessages = 8

function textOf(native: Native, status: number, kind: number): string {
  return withMemory(native, (memory) => {
    const more = memory.cell()
    const mechanism = memory.oid(oids.krb5)
    const texts: string[] = []
    do {
      const text = memory.empty()
      if (native.displayStatus(memory.cell(), status, kind, mechanism, more, text) !== 0) break
      texts.push(memory.take(text).toString())
    } while (more.readUInt32LE() !== 0 && texts.length < maxMessages)
    return texts.join('; ')
  })
}
