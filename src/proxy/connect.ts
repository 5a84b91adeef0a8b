import { connect, type Socket } from 'node:net'

/** Where the gateway or a scheduler listens. */
export type Target = { readonly path: string } | { readonly host: string; readonly port: number }

// Of a name with several addresses Node gives each but the last 250 ms only.
const slowNetworks = { family: 0, autoSelectFamilyAttemptTimeout: 3_000 }

/** A connection, paused, in at most `limitMs`; rejects with the reason. */
export function connectTo(target: Target, limitMs: number): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>()
  const socket = connect({ ...target, allowHalfOpen: true, noDelay: true, ...slowNetworks })
  prepare(socket)
  const timer = setTimeout(() => socket.destroy(new Error('no answer in time')), limitMs)
  socket.once('connect', () => {
    clearTimeout(timer)
    socket.pause()
    resolve(socket)
  })
  socket.once('error', reject)
  socket.once('close', () => {
    clearTimeout(timer)
    reject(new Error('closed'))
  })
  return promise
}

/** Errors of a socket end it and are seen as its close; a peer that is gone is noticed within two and a half minutes. */
export function prepare(socket: Socket): void {
  socket.on('error', () => {})
  socket.setKeepAlive(true, 60_000, 15_000, 6)
}

/** `unix:/PATH` or `http://HOST:PORT`, as Proxy.gateway_url has it. */
export function targetOf(gatewayUrl: string): Target {
  if (gatewayUrl.startsWith('unix:')) return { path: gatewayUrl.slice('unix:'.length) }
  const url = new URL(gatewayUrl)
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || 80) }
}
