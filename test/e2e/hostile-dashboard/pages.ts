import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { join } from 'node:path'

/** The pages in which the attempts run. */
export const hostileDocuments = ['page.html', 'page.svg', 'page.xhtml'] as const

const attempts = readFileSync(join(import.meta.dirname, 'attempts.js'), 'utf8')

/** What the attempts are given. */
export interface Given {
  /** The name of another cluster. */
  readonly other: string
  /** How long an attempt may take to get something. */
  readonly waitMs: number
}

/** Somebody's dashboard that tries every way to what it should not see. */
export function createHostileDashboard(given: Given): Server {
  return createServer((request, response) => sendHostilePage(request, response, given))
}

export function sendHostilePage(
  request: IncomingMessage,
  response: ServerResponse,
  given: Given,
): void {
  const head = (type: string) =>
    response.writeHead(200, {
      'Content-Type': type,
      'Content-Security-Policy': 'sandbox allow-scripts allow-same-origin',
      'Set-Cookie': 'planted=1; Path=/',
      'Service-Worker-Allowed': '/',
      'Access-Control-Allow-Origin': '*',
      'Referrer-Policy': 'unsafe-url',
    })
  const name = /[^/?]*(?=\?|$)/.exec(request.url ?? '')?.[0] ?? ''
  const script = `//<![CDATA[\nconst given = ${JSON.stringify(given)}\n${attempts}\n//]]>`
  const html = 'http://www.w3.org/1999/xhtml'
  switch (name) {
    case 'worker.js':
      return void head('text/javascript').end('self.onfetch = () => {}')
    case 'shared.js':
      return void head('text/javascript').end(
        'onconnect = ({ ports: [port] }) => port.postMessage("planted")',
      )
    case 'page.svg':
      return void head('image/svg+xml').end(
        `<svg xmlns="http://www.w3.org/2000/svg"><script>${script}</script></svg>`,
      )
    case 'page.xhtml':
      return void head('application/xhtml+xml').end(
        `<html xmlns="${html}"><head><title>x</title></head><body><script>${script}</script></body></html>`,
      )
    case 'page.html':
      return void head('text/html').end(`<!doctype html><body><script>${script}</script>`)
    case 'refresh':
      return void head('text/html').end(
        `<meta http-equiv="refresh" content="0;url=/pre/clusters/${given.other}/status?as=admin">`,
      )
    case 'history':
      return void head('text/html').end(`<script>${history}</script>`)
    case 'relatives':
      return void head('text/html').end(`<body><script>${relatives}</script>`)
    default:
      return void head('text/plain').end('my own')
  }
}

/** Told to the opener: where this window has been. */
const history = `opener.postMessage({ way: 'otherHistory', text: JSON.stringify([
  document.referrer, performance.getEntriesByType('navigation').map(({ name }) => name),
  navigation.entries().map(({ url }) => url),
].flat(2).filter((url) => url !== document.URL)) }, '*')`

/** What a page tries with the page that framed or opened it, and tells to that page. */
const relatives = `{
  const attempt = (action) => { try { return String(action()) } catch (error) { return 'no: ' + error.name } }
  const relative = opener ?? parent
  relative.postMessage({
    document: attempt(() => relative.document.documentElement.textContent),
    address: attempt(() => relative.location.href),
    variable: attempt(() => relative.told),
    storage: attempt(() => relative.localStorage.length),
    script: attempt(() => relative.eval('document.title')),
    navigation: attempt(() => { relative.location = 'about:blank#planted'; return 'planted' }),
    frame: attempt(() => window.frameElement && window.frameElement.ownerDocument.title),
    cookie: attempt(() => document.cookie),
  }, '*')
}`

/** Another cluster's dashboard. Everything that it serves is a secret, and its WebSocket opens to whoever gets to it. */
export function createOtherDashboard(): Server {
  const server = createServer((_request, response) =>
    response
      .writeHead(200, { 'Content-Type': 'text/html', 'Access-Control-Allow-Origin': '*' })
      .end('<!doctype html><title>other</title>secret of another'),
  )
  server.on('upgrade', (request, socket) => {
    const key = `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`
    const accept = createHash('sha1').update(key).digest('base64')
    socket.on('error', () => socket.destroy())
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    )
  })
  return server
}
