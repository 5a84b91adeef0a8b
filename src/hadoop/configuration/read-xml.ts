import { HadoopError } from '../errors.ts'

export interface Property {
  readonly name: string
  readonly value: string
  /** Files read later cannot change it. */
  readonly isFinal: boolean
}

// A configuration file of Hadoop (org.apache.hadoop.conf.Configuration), which is a small part of XML:
//
//     file     := [ "<?xml … ?>" ] <configuration> ( property | other )* </configuration>
//     property := <property> ( <name> text | <value> text | <final> text | other )* </property>
//               | <property name="…" value="…" final="…"/>
//     text     := characters, the five entities, character references, CDATA
//
// Comments and processing instructions may stand anywhere; elements that are not named here are passed over. Not taken: document types, with
// which entities can be defined (and made to grow without end), and XInclude, with which a file makes its reader open others.

const maximumBytes = 4 << 20
const maximumDepth = 16
const entities: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
}

/** The properties of a file, in their order. Throws HadoopError `configuration`, which names `file`. */
export function readProperties(xml: Buffer, file: string): readonly Property[] {
  const refuse = (why: string): never => {
    throw new HadoopError('configuration', `${file} cannot be read: ${why}`)
  }
  if (xml.length > maximumBytes) refuse(`it has more than ${maximumBytes >> 20} MiB`)
  const properties: Property[] = []
  const open: string[] = []
  let isSeen = false
  let held: Record<string, string> = {}
  let text = ''

  const leave = (name: string) => {
    if (open.pop() !== name) refuse(`</${name}> ends nothing`)
    const [, property, inner] = [open[0], open[1], open[2]]
    if (property === 'property' && inner === undefined && open.length === 2) held[name] = text
    if (name === 'property' && open.length === 1) keep()
    text = ''
  }
  const keep = () => {
    const { name, value, final } = held
    held = {}
    if (name === undefined) return refuse('a property has no name')
    if (value === undefined) return
    properties.push({ name: name.trim(), value, isFinal: final?.trim() === 'true' })
  }

  for (const token of tokens(xml.toString('utf8'), refuse)) {
    if (token.kind === 'text') {
      if (open.length === 0 && token.text.trim() !== '') refuse('there is text outside of it')
      text += token.text
    } else if (token.kind === 'end') leave(token.name)
    else {
      if (/(^|:)(include|fallback)$/.test(token.name))
        refuse(
          'it includes another file (XInclude), which is not supported; write the properties into it',
        )
      if (open.length === 0 && (isSeen || token.name !== 'configuration'))
        refuse('it is no <configuration>')
      isSeen = true
      if (open.length >= maximumDepth) refuse('its elements are nested too deeply')
      open.push(token.name)
      text = ''
      if (token.name === 'property' && open.length === 2) held = { ...token.attributes }
      if (token.isEmpty) leave(token.name)
    }
  }
  if (open.length > 0 || !isSeen) refuse('it ends before it should')
  return properties
}

type Token =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'end'; readonly name: string }
  | {
      readonly kind: 'start'
      readonly name: string
      readonly attributes: Readonly<Record<string, string>>
      readonly isEmpty: boolean
    }

const nameLike = '[A-Za-z_][A-Za-z0-9_.:-]*'
const startTag = new RegExp(
  `<(${nameLike})((?:\\s+${nameLike}\\s*=\\s*(?:"[^"<]*"|'[^'<]*'))*)\\s*(/?)>`,
  'y',
)
const endTag = new RegExp(`</(${nameLike})\\s*>`, 'y')
const attribute = new RegExp(`(${nameLike})\\s*=\\s*(?:"([^"]*)"|'([^']*)')`, 'g')

function* tokens(xml: string, refuse: (why: string) => never): Generator<Token> {
  let at = xml.startsWith('\uFEFF') ? 1 : 0
  const past = (from: number, end: string): number => {
    const found = xml.indexOf(end, from)
    return found < 0 ? refuse(`${end} is missing`) : found
  }
  const decode = (text: string) =>
    text.replace(/&([^;&<]{0,12});?/g, (whole, name: string) => {
      const code = /^#(?:x([0-9A-Fa-f]{1,6})|([0-9]{1,7}))$/.exec(name)
      const point =
        code === null
          ? Number.NaN
          : Number.parseInt(code[1] ?? code[2] ?? '', code[1] === undefined ? 10 : 16)
      const found = point <= 0x10ffff ? String.fromCodePoint(point) : entities[name]
      return found !== undefined && whole.endsWith(';') ? found : refuse(`&${name}; is not known`)
    })
  while (at < xml.length) {
    if (xml[at] !== '<') {
      const end = xml.indexOf('<', at)
      yield { kind: 'text', text: decode(xml.slice(at, end < 0 ? xml.length : end)) }
      at = end < 0 ? xml.length : end
    } else if (xml.startsWith('<!--', at)) at = past(at + 4, '-->') + 3
    else if (xml.startsWith('<?', at)) at = past(at + 2, '?>') + 2
    else if (xml.startsWith('<![CDATA[', at)) {
      const end = past(at + 9, ']]>')
      yield { kind: 'text', text: xml.slice(at + 9, end) }
      at = end + 3
    } else if (xml.startsWith('<!', at)) refuse('it has a document type, which is not taken')
    else {
      startTag.lastIndex = at
      endTag.lastIndex = at
      const start = startTag.exec(xml)
      const end = start === null ? endTag.exec(xml) : null
      const match = start ?? end ?? refuse(`there is no tag at character ${at}`)
      at += match[0].length
      if (start === null) yield { kind: 'end', name: match[1] ?? '' }
      else {
        const attributes: Record<string, string> = {}
        for (const [, name = '', double, single] of (match[2] ?? '').matchAll(attribute))
          attributes[name] = decode(double ?? single ?? '')
        yield { kind: 'start', name: match[1] ?? '', attributes, isEmpty: match[3] === '/' }
      }
    }
  }
}
