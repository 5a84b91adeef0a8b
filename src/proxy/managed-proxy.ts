import { rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import * as z from 'zod'
import { logFormat, messageOf } from '../core/index.ts'
import { createLogger, type LogLevel, logLevels } from '../util/index.ts'
import type { Log } from './log.ts'
import { digestOf, removeOwnRecord, writeOwnRecord } from './proxy-record.ts'
import { serveProxy, stopSignal } from './run-proxy.ts'

/*
 * Between the gateway and the proxy that it starts:
 *   standard input   one line of JSON, `ManagedProxySettings`: the token is neither in arguments nor in the environment.
 *                    It may be long in coming; its end without one ends the process
 *   standard output  one line of JSON, `ManagedProxyReport`: it listens, or why it cannot
 *   control socket   each gateway holds a connection as long as it lives; "stop\n" ends the proxy, "ping\n" is
 *                    answered with "pong\n". Without any connection the proxy goes on for `lonelyMs`. Its directory
 *                    (0700) keeps others out.
 */
const hostPort = z.object({ host: z.string(), port: z.int().min(0).max(65535) })
const settingsSchema = z.object({
  address: hostPort,
  tcpAddress: hostPort.nullable(),
  gatewayUrl: z.string(),
  watchUrl: z.string(),
  token: z.string(),
  logLevel: z.enum(logLevels),
  stateDirectory: z.string(),
  controlSocket: z.string(),
  lonelyMs: z.number(),
})
export type ManagedProxySettings = z.infer<typeof settingsSchema>

export const reportSchema = z.discriminatedUnion('state', [
  z.object({
    state: z.literal('listening'),
    address: hostPort,
    tcpAddress: hostPort.nullable(),
  }),
  z.object({ state: z.literal('failed'), message: z.string() }),
])
export type ManagedProxyReport = z.infer<typeof reportSchema>

// It may be begun before the configuration is read, which may take an hour; a gateway that ends ends the wait.
const settingsLimitMs = 3_700_000

/** The process that `superviseProxy` starts; returns its exit code. */
export async function runManagedProxy(
  createLog: (level: LogLevel) => Log = logToStandardError,
): Promise<number> {
  // Whoever read these may be gone; that is no reason to end.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  process.umask(0o077)
  const stop = stopSignal()
  let settings: ManagedProxySettings
  try {
    settings = settingsSchema.parse(JSON.parse(await firstLine(settingsLimitMs)))
    process.chdir(settings.stateDirectory)
  } catch (error) {
    report({ state: 'failed', message: `The proxy got no settings: ${messageOf(error)}` })
    return 1
  }
  try {
    const log = createLog(settings.logLevel)
    const proxy = await serveProxy({ ...settings, log })
    const lonely = new AbortController()
    const control = await listenForGateways(settings, lonely)
    writeOwnRecord(settings.stateDirectory, settings.controlSocket, digestOf(settings))
    report({ state: 'listening', address: proxy.address, tcpAddress: proxy.tcpAddress })
    await Promise.race([stop, aborted(lonely.signal)])
    log.info('The proxy ends', { reason: String(lonely.signal.reason ?? 'a signal') })
    removeOwnRecord(settings.stateDirectory)
    control.close()
    await proxy.stop()
    return 0
  } catch (error) {
    report({ state: 'failed', message: messageOf(error) })
    return 1
  }
}

const logToStandardError = (level: LogLevel) =>
  createLogger({ level, format: logFormat(), write: (line) => process.stderr.write(line) })

function report(line: ManagedProxyReport): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

async function firstLine(limitMs: number): Promise<string> {
  const timer = setTimeout(() => process.stdin.destroy(), limitMs)
  try {
    for await (const line of createInterface({ input: process.stdin })) return line
    throw new Error('standard input ended, or brought nothing in time')
  } finally {
    clearTimeout(timer)
    process.stdin.destroy()
  }
}

/** Aborts `end` when a gateway says so, or when there has been none for too long. */
async function listenForGateways(
  settings: ManagedProxySettings,
  end: AbortController,
): Promise<Server> {
  const gateways = new Set<Socket>()
  const alone = () => setTimeout(() => end.abort('no gateway has come back'), settings.lonelyMs)
  let timer = alone()
  const server = createServer((socket) => {
    clearTimeout(timer)
    gateways.add(socket)
    socket.on('error', () => {})
    createInterface({ input: socket }).on('line', (line) => {
      if (line === 'stop') end.abort('the gateway stops it')
      if (line === 'ping') socket.write('pong\n')
    })
    socket.on('close', () => {
      gateways.delete(socket)
      if (gateways.size > 0) return
      clearTimeout(timer)
      timer = alone()
    })
  })
  end.signal.addEventListener('abort', () => {
    clearTimeout(timer)
    for (const socket of gateways) socket.destroy()
  })
  // Left by one that was killed; the gateway has seen that none runs.
  rmSync(settings.controlSocket, { force: true })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject).listen(settings.controlSocket, resolve)
  await promise
  return server
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve()))
}
