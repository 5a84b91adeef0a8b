import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { GatewayError } from '../core/index.ts'
import type { RouteContext } from './route-context.ts'

const types: { readonly [ending: string]: string } = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

// Nothing from elsewhere, nothing inline: whatever a text that got into the page might be, it is not run.
const policy = [
  "default-src 'none'",
  ...["script-src 'self'", "style-src 'self'", "connect-src 'self'", "img-src 'self'"],
  ...["form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"],
].join('; ')

interface WebFile {
  readonly type: string
  readonly bytes: Buffer
  readonly etag: string
}

/**
 * `GET /`: the page. `GET /assets/…`: its script, style and icon, which are called by their contents. They are the same for everybody: who
 * is not logged in is sent to the login by the page itself, which alone knows where one is in it (what follows # stays in the browser), so
 * that the login leads back there. `folder`: where the build has put them; null: there is no page here.
 */
export function addWebPage(context: RouteContext, folder: string | null): void {
  const { app } = context
  // Read once: a gateway that runs goes on with its own page when a newer one is installed over it.
  const files = folder === null ? new Map<string, WebFile>() : readFiles(folder)
  const compressed = new WeakMap<WebFile, Buffer>()

  app.get('/', (request, reply) => {
    const page = files.get('index.html')
    if (page === undefined)
      throw new GatewayError('unavailable', 'The page was not built: run "npm run build"')
    reply
      .header('content-security-policy', policy)
      .header('x-frame-options', 'DENY')
      // Not "no-referrer": with that, browsers send `Origin: null` with our own forms (Fetch standard, "append a request Origin header").
      .header('referrer-policy', 'same-origin')
      .header('cache-control', 'private, no-cache')
    return sendFile(request, reply, page)
  })

  app.get('/assets/:file', (request, reply) => {
    const { file: name } = request.params as { readonly file: string }
    const file = name === 'index.html' ? undefined : files.get(name)
    if (file === undefined) throw new GatewayError('not-found', 'There is no such file')
    // An image that is opened by itself is a document too.
    reply.header('content-security-policy', "default-src 'none'")
    reply.header('cache-control', 'public, max-age=31536000, immutable')
    return sendFile(request, reply, file)
  })

  function sendFile(request: FastifyRequest, reply: FastifyReply, file: WebFile): FastifyReply {
    const { 'if-none-match': known, 'accept-encoding': accepted } = request.headers
    reply
      .header('etag', file.etag)
      .header('vary', 'accept-encoding')
      .header('x-content-type-options', 'nosniff')
    if (known?.split(/\s*,\s*/).some((each) => each.replace(/^W\//, '') === file.etag))
      return reply.code(304).send()
    reply.header('content-type', file.type)
    if (!/\bgzip\b/.test(String(accepted))) return reply.send(file.bytes)
    const bytes = compressed.get(file) ?? gzipSync(file.bytes, { level: 9 })
    compressed.set(file, bytes)
    return reply.header('content-encoding', 'gzip').send(bytes)
  }
}

function readFiles(folder: string): Map<string, WebFile> {
  const files = new Map<string, WebFile>()
  for (const name of namesIn(folder)) {
    const type = types[extname(name)]
    if (type === undefined) continue
    const bytes = readFileSync(join(folder, name))
    const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`
    files.set(name, { type, bytes, etag })
  }
  return files
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
}
