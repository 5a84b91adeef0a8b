import { pathToFileURL } from 'node:url'
import { GatewayError, messageOf } from '../core/index.ts'
import { layerOf } from './json-file.ts'
import type { Layer } from './layer.ts'
import { type OptionHelpers, optionHelpers } from './option-helpers.ts'

/** `c` of a configuration in TypeScript or JavaScript: `c.Proxy.address = ':8000'`. */
export type ConfigurationObject = {
  readonly [className: string]: { [setting: string]: unknown }
}

/** What such a file exports by default. */
export type ConfigurationModule = (c: ConfigurationObject, options: OptionHelpers) => unknown

/** Runs the module's default export. `turn` makes a reload read the file anew. */
export async function readModule(
  file: string,
  evaluationLimitMs: number,
  limitMs: () => number,
  turn: number,
): Promise<Layer> {
  const sections: { [className: string]: { [setting: string]: unknown } } = Object.create(null)
  const c = new Proxy(sections, {
    get: (_, name) => {
      if (typeof name !== 'string') return undefined
      sections[name] ??= Object.create(null)
      return sections[name]
    },
  })
  await inTime(file, evaluationLimitMs, async () => {
    const module: { default?: unknown } = await import(`${pathToFileURL(file)}?${turn}`)
    if (typeof module.default !== 'function')
      throw new Error(
        "it must export a function by default: export default (c) => { c.Proxy.address = ':8000' }",
      )
    await module.default(c, optionHelpers)
  })
  return layerOf(file, sections, limitMs)
}

async function inTime(file: string, ms: number, run: () => Promise<void>): Promise<void> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error(`it did not end within ${ms / 1000} s`)), ms)
  try {
    await Promise.race([run(), late.promise])
  } catch (error) {
    throw new GatewayError('configuration', `${lineOf(error, file)}: ${messageOf(error)}`, {
      cause: error,
    })
  } finally {
    clearTimeout(timer)
  }
}

/** The file, and its line in the stack when it is there. */
function lineOf(error: unknown, file: string): string {
  const stack = error instanceof Error ? (error.stack ?? '') : ''
  const at = stack.split('\n').find((line) => line.includes(pathToFileURL(file).href))
  const line = at === undefined ? null : /:(\d+)(?::\d+)?\)?$/.exec(at)
  return line === null ? file : `${file}, line ${line[1]}`
}
