import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createSecureServer, type ServerOptions } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'

export interface HubQuestion {
  readonly method: string
  readonly path: string
  readonly authorization: string | null
  readonly body: string
}

/** A hub that answers what a test says, or nothing, and remembers what it was asked. */
export async function startFakeHub(tls: ServerOptions | null = null) {
  const questions: HubQuestion[] = []
  let answer: (question: HubQuestion, response: ServerResponse) => void = () => {}
  const listener = async (request: IncomingMessage, response: ServerResponse) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const question = {
      method: request.method ?? '',
      path: request.url ?? '',
      authorization: request.headers.authorization ?? null,
      body,
    }
    questions.push(question)
    answer(question, response)
  }
  const handle = (request: IncomingMessage, response: ServerResponse) =>
    void listener(request, response).catch(() => response.destroy())
  const server = tls === null ? createServer(handle) : createSecureServer(tls, handle)
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.on('tlsClientError', () => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    apiUrl: `http${tls === null ? '' : 's'}://localhost:${port}/base/hub/api`,
    questions,
    answers(how: typeof answer) {
      answer = how
    },
    /** The same for every question. */
    says(status: number, body: unknown, headers: { readonly [name: string]: string } = {}) {
      answer = (_question, response) => {
        response.writeHead(status, headers)
        response.end(typeof body === 'string' ? body : JSON.stringify(body))
      }
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((done) => server.close(done))
    },
  }
}

export type FakeHub = Awaited<ReturnType<typeof startFakeHub>>
