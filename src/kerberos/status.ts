import { KerberosError } from './kerberos-error.ts'
import { withMemory } from './memory.ts'
import type { Native } from './native.ts'
import { oids } from './oids.ts'

const codeOfMajor = 1
const codeOfMechanism = 2
// KRB5_KDC_UNREACH of krb5.h.
const cannotReachKdc = -1765328228
// KRB5KRB_AP_ERR_SKEW.
const clocksDiffer = -1765328347

/** Throws when a call has failed; a status may also carry news, which are no failure. */
export function throwIfFailed(native: Native, major: number, minor: Buffer, doing: string): void {
  if (major >>> 16 === 0) return
  const minorNumber = minor.readUInt32LE()
  const majorText = textOf(native, major, codeOfMajor)
  const minorText = minorNumber === 0 ? '' : textOf(native, minorNumber, codeOfMechanism)
  const advice =
    (minorNumber | 0) === clocksDiffer
      ? ' (the clocks of this machine and of the KDC or the service differ by minutes: have NTP set them)'
      : ''
  throw new KerberosError(
    (minorNumber | 0) === cannotReachKdc ? 'unavailable' : 'refused',
    // The mechanism's text is the one that tells something, if it has one.
    `${doing}: ${minorText === '' || minorText === 'Success' ? majorText : minorText}${advice}`,
    { status: { major, minor: minorNumber, majorText, minorText } },
  )
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
