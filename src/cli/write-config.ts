import { existsSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { generateConfig, settingsClasses } from '../config/index.ts'
import { GatewayError, messageOf } from '../core/index.ts'
import type { Arguments } from './arguments.ts'

/** `generate-config`; resolves with the exit status. */
export function writeConfig({ output, force }: Arguments): number {
  const path = resolve(output)
  if (!existsSync(dirname(path)))
    throw new GatewayError(
      'configuration',
      `The directory ${dirname(path)} does not exist; make it first`,
    )
  if (existsSync(path) && !force)
    throw new GatewayError('configuration', `${path} exists; --force writes over it`)
  try {
    writeFileSync(path, generateConfig(settingsClasses), { mode: 0o600 })
  } catch (cause) {
    throw new GatewayError('configuration', `${path} cannot be written: ${messageOf(cause)}`, {
      cause,
    })
  }
  console.log(`Wrote ${path}`)
  return 0
}
