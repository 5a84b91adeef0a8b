import { setFlagsFromString } from 'node:v8'
import type { Configuration } from '../config/index.ts'
import { type Logger, messageOf } from '../core/index.ts'
import type { ProxyProcess } from '../proxy/index.ts'
import { collectWhenIdle, endProcess } from '../util/index.ts'
import { type Gateway, startGateway } from './gateway.ts'
import { packageVersion } from './version.ts'

/** Runs the gateway until a signal ends it; resolves with the exit status. */
export async function serve(
  configuration: Configuration,
  logger: Logger,
  begunProxy: ProxyProcess | null,
): Promise<number> {
  const starting = new AbortController()
  const { promise: ended, resolve: end } = Promise.withResolvers<number>()
  let gateway: Gateway | null = null
  let stopping = false
  let reloadAsked = false

  const stop = (signal: NodeJS.Signals) => {
    if (stopping) {
      logger.warn(`${signal} once more: ending at once`)
      endProcess(1)
    }
    stopping = true
    logger.info(`${signal}: stopping in order; once more ends at once`)
    starting.abort()
    if (gateway === null) return
    gateway.stop().then(
      () => end(0),
      (error: unknown) => {
        logger.error('The stop failed', { error })
        end(1)
      },
    )
  }
  const reload = () => {
    reloadAsked = true // while it starts, which has read the configuration already: then when it has
    gateway?.reload().then(
      () => logger.info('SIGHUP: configuration and certificates have been read anew'),
      (error: unknown) =>
        logger.error(`SIGHUP: going on with the old configuration: ${messageOf(error)}`),
    )
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  process.on('SIGHUP', reload)

  try {
    gateway = await startGateway(configuration, logger, begunProxy, starting.signal)
  } catch (error) {
    if (stopping) return 0
    throw error
  }
  if (stopping) {
    await gateway.stop()
    return 0
  }
  logger.info(`dask-gateway-server ${packageVersion()} is ready at ${gateway.publicUrl}`)
  tellStarter(gateway.publicUrl)
  growSlowly()
  collectWhenIdle()
  if (reloadAsked) reload()
  return ended
}

/**
 * What lives longer may grow by a fifth before the whole heap is collected, by default to its double and more. Only from when it is
 * ready: a start fills the heap, and would be collected over and over.
 */
function growSlowly(): void {
  setFlagsFromString('--heap-growing-percent=20')
}

/** A program that started us with an IPC channel (`npm start` does) is told once where we are; the channel is then closed. */
function tellStarter(publicUrl: string): void {
  process.send?.({ ready: publicUrl }, () => process.disconnect())
}
