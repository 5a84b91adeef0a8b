import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { GatewayError, type HostPort, messageOf } from '../core/index.ts'
import { type LogLevel, signalProcess, socketPathIn } from '../util/index.ts'
import { beginProxy, isWaiting, type ProxyProcess } from './begin-proxy.ts'
import type { Log } from './log.ts'
import { type ManagedProxySettings, reportSchema } from './managed-proxy.ts'
import { digestOf, isRunning, type ProxyRecord, readLiveRecord } from './proxy-record.ts'

export interface SupervisorOptions {
  /** argv of a process that calls `runManagedProxy`. */
  readonly command: readonly string[]
  /** One that was begun already, to save its start; it is dismissed when it is not needed. */
  readonly begun?: ProxyProcess
  readonly address: HostPort
  readonly tcpAddress: HostPort | null
  /** Where the gateway takes public traffic: `unix:/PATH`. */
  readonly gatewayUrl: string
  /** The gateway's private address: `http://host:port`. */
  readonly watchUrl: string
  readonly token: string
  readonly logLevel: LogLevel
  /** A directory of ours (0700). */
  readonly stateDirectory: string
  readonly instanceId: string
  readonly log: Log
  /** How long the proxy goes on without a gateway. */
  readonly lonelyMs?: number
  /** A proxy that has not answered for so long is killed, and another started. */
  readonly silenceMs?: number
}

export interface SupervisedProxy {
  readonly pid: () => number | null
  /** Ends the proxy and all its connections. */
  readonly stop: () => Promise<void>
}

const startLimitMs = 20_000
const stopLimitMs = 5_000
const answerLimitMs = 5_000
const maxBackoffMs = 5_000

/**
 * Sees to it that a proxy runs: takes over the one that a killed gateway has left, if it is as this gateway wants it, else starts
 * one, and starts another whenever it ends or answers no more. Throws 'configuration' when the first cannot start (a port in use).
 */
export async function superviseProxy(options: SupervisorOptions): Promise<SupervisedProxy> {
  const { log, stateDirectory, instanceId } = options
  const settings: ManagedProxySettings = {
    address: options.address,
    tcpAddress: options.tcpAddress,
    gatewayUrl: options.gatewayUrl,
    watchUrl: options.watchUrl,
    token: options.token,
    logLevel: options.logLevel,
    stateDirectory,
    controlSocket: socketPathIn(stateDirectory, instanceId, 'proxy.sock'),
    lonelyMs: options.lonelyMs ?? 60_000,
  }
  const stopping = new AbortController()
  let begun = options.begun ?? null
  const begin = () => {
    const child = begun !== null && isWaiting(begun) ? begun : beginProxy(options.command)
    begun = null
    return child
  }
  const have = async () => {
    const had = (await takeOver(settings, log)) ?? (await start(begin(), settings))
    killWhenSilent(had, options.silenceMs ?? 30_000, log)
    return had
  }
  let held = await have()
  begun?.stdin.destroy()
  begun = null

  const keep = async () => {
    while (!stopping.signal.aborted) {
      await closed(held.control)
      for (let backoffMs = 100; !stopping.signal.aborted; backoffMs = nextBackoff(backoffMs)) {
        log.warn('The proxy has ended; another is started', { pid: held.record.pid })
        await delay(backoffMs, undefined, { signal: stopping.signal }).catch(() => {})
        if (stopping.signal.aborted) break
        try {
          held = await have()
          break
        } catch (error) {
          log.error('The proxy cannot be started', { reason: messageOf(error) })
        }
      }
    }
  }
  const keeping = keep()

  return {
    pid: () => (isRunning(held.record) ? held.record.pid : null),
    async stop() {
      stopping.abort()
      // Closes the connection that `keep` watches; a start under way is waited for.
      await end(held)
      await keeping
      await end(held)
    },
  }
}

/** A proxy that runs, and the connection that tells it that a gateway is there. */
interface Held {
  readonly record: ProxyRecord
  readonly control: Socket
}

const nextBackoff = (backoffMs: number) => Math.min(maxBackoffMs, backoffMs * 2)

/** The proxy that runs already, if it is as `settings` want it; one that is not is ended. */
async function takeOver(settings: ManagedProxySettings, log: Log): Promise<Held | null> {
  const record = readLiveRecord(settings.stateDirectory)
  if (record === null) return null
  const control = await connectControl(record.controlSocket)
  if (control !== null && record.digest === digestOf(settings)) {
    log.info('The proxy that runs is taken over', { pid: record.pid })
    return { record, control }
  }
  log.warn('The proxy that runs has other settings, or does not answer; it is replaced', {
    pid: record.pid,
  })
  await end({ record, control })
  return null
}

async function start(child: ProxyProcess, settings: ManagedProxySettings): Promise<Held> {
  child.stdin.end(`${JSON.stringify(settings)}\n`)
  const timer = setTimeout(() => child.kill('SIGKILL'), startLimitMs)
  let message = 'The proxy ended, or said nothing in time, before it listened; see its log lines.'
  child.on('error', (error) => {
    message = `The proxy cannot be started: ${error.message}`
  })
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      const report = reportSchema.parse(JSON.parse(line))
      if (report.state === 'listening') message = 'The proxy listens, but cannot be reached.'
      else message = report.message
      break
    }
  } finally {
    clearTimeout(timer)
    child.stdout.destroy()
    child.unref()
  }
  const record = readLiveRecord(settings.stateDirectory)
  const control = record?.pid === child.pid ? await connectControl(settings.controlSocket) : null
  if (record !== null && control !== null) return { record, control }
  child.kill('SIGKILL')
  throw new GatewayError('configuration', message)
}

/** null: nobody answers there. The kernel alone would let us connect to a process that is frozen. */
async function connectControl(path: string): Promise<Socket | null> {
  const socket = connect(path)
  const timer = setTimeout(() => socket.destroy(), answerLimitMs)
  try {
    return await new Promise((resolve) => {
      socket.on('error', () => {})
      socket.once('data', () => resolve(socket)).once('close', () => resolve(null))
      socket.write('ping\n')
    })
  } finally {
    clearTimeout(timer)
  }
}

/**
 * One that is frozen holds its port and serves nobody. Its silence is counted in questions, so that time in which this process
 * itself did not run is none of it.
 */
function killWhenSilent({ record, control }: Held, silenceMs: number, log: Log): void {
  const questions = 3
  let unanswered = 0
  control.on('data', () => {
    unanswered = 0
  })
  const timer = setInterval(() => {
    if (unanswered >= questions) {
      log.error('The proxy does not answer; it is killed', { pid: record.pid })
      signalProcess(record, 'SIGKILL')
    }
    unanswered++
    control.write('ping\n')
  }, silenceMs / questions)
  control.once('close', () => clearInterval(timer))
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.destroyed) resolve()
    else socket.once('close', () => resolve())
  })
}

/** Asks it to end, and kills it when it does not. */
async function end(held: { readonly record: ProxyRecord; readonly control: Socket | null }) {
  held.control?.write('stop\n')
  const endsAtMs = performance.now() + stopLimitMs
  while (isRunning(held.record)) {
    if (performance.now() > endsAtMs || held.control === null) signalProcess(held.record, 'SIGKILL')
    if (performance.now() > 2 * stopLimitMs + endsAtMs) break
    await delay(20)
  }
  held.control?.destroy()
}
