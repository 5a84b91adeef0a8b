import { GatewayError } from './errors.ts'

export interface StreamEvent {
  /** The last one that was told, also by an earlier event; null: none yet. */
  readonly id: string | null
  readonly event: string
  readonly data: string
}

const maxEventLength = 32 * 1024 * 1024

/**
 * The events of a body: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream.
 * `onLife` is called for each piece that comes, comments too.
 */
export async function* parseEvents(
  body: ReadableStream<Uint8Array>,
  onLife: () => void = () => {},
): AsyncGenerator<StreamEvent> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let text = ''
  let fields: { event: string; data: string[]; id: string | null } = {
    event: '',
    data: [],
    id: null,
  }
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      onLife()
      text += decoder.decode(value, { stream: true })
      if (text.length > maxEventLength)
        throw new GatewayError('unexpected', 'The gateway sent an event that is too long')
      // The gateway ends lines by a line feed only.
      let start = 0
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
        const line = text.slice(start, end)
        start = end + 1
        if (line !== '') {
          take(line, fields)
          continue
        }
        if (fields.data.length > 0)
          yield { id: fields.id, event: fields.event || 'message', data: fields.data.join('\n') }
        fields = { event: '', data: [], id: fields.id }
      }
      text = text.slice(start)
    }
  } finally {
    reader.cancel().catch(() => undefined)
  }
}

function take(line: string, fields: { event: string; data: string[]; id: string | null }): void {
  const colon = line.indexOf(':')
  if (colon === 0) return
  const name = colon < 0 ? line : line.slice(0, colon)
  const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
  if (name === 'event') fields.event = value
  else if (name === 'data') fields.data.push(value)
  else if (name === 'id') fields.id = value
}
