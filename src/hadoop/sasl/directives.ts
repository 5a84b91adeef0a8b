import { HadoopError } from '../errors.ts'

// RFC 2831, section 7.1, as far as servers use it:
//
//     challenge := directive *( "," directive )
//     directive := name "=" ( token | <"> *( char | "\" char ) <"> )

const pattern = /\s*([A-Za-z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))\s*(?:,|$)/y
const maximumBytes = 4096

/** The directives of a DIGEST-MD5 challenge; a name that comes twice makes it invalid. */
export function readDirectives(challenge: Uint8Array): ReadonlyMap<string, string> {
  if (challenge.length > maximumBytes) throw refused('it is too long')
  const text = Buffer.from(challenge).toString('utf8')
  const directives = new Map<string, string>()
  let at = 0
  while (at < text.length) {
    pattern.lastIndex = at
    const match = pattern.exec(text)
    if (match === null) throw refused('it is no list of directives')
    const [whole, name = '', quoted, bare] = match
    if (directives.has(name)) throw refused(`it has ${name} twice`)
    directives.set(name, quoted?.replace(/\\(.)/gs, '$1') ?? bare ?? '')
    at += whole.length
  }
  return directives
}

function refused(why: string): HadoopError {
  return new HadoopError('protocol', `the server's DIGEST-MD5 challenge cannot be read: ${why}`)
}
