import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { libcFunction } from './libc-function.ts'

const usualLookMs = 60_000
/** Of one core: a collection takes up to a tenth of a second, in which nobody should wait. */
const idleShare = 0.02
/** Less is not worth it. */
const growthBytes = 2e6

/**
 * Gives memory back to the system when this process has grown since it did so last, and has had next to nothing to do for `lookMs`: collects the
 * whole heap, compiled code that is not in use included, and has malloc return what is free (malloc_trim(3), where koffi can be had).
 * V8 and malloc by themselves keep what a busy time has left until there is need of memory.
 */
export function collectWhenIdle(lookMs = usualLookMs): void {
  setFlagsFromString('--expose-gc')
  const collect: NonNullable<typeof gc> = runInNewContext('gc')
  let before = process.cpuUsage()
  let least = 0
  const look = () => {
    const { user, system } = process.cpuUsage(before)
    const isIdle = user + system < lookMs * 1000 * idleShare
    if (isIdle && process.memoryUsage.rss() > least + growthBytes) {
      collect({ type: 'major', flavor: 'last-resort' })
      libcFunction<(kept: number) => number>('int malloc_trim(size_t)')?.(0)
      least = process.memoryUsage.rss()
    }
    before = process.cpuUsage()
  }
  setInterval(look, lookMs).unref()
}
