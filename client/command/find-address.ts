import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { UsageError } from './exit-codes.ts'

/**
 * Which gateway is meant: --address, DASK_GATEWAY_ADDRESS (or Dask's own DASK_GATEWAY__ADDRESS), the last login, or the
 * address in Dask's configuration, `~/.config/dask/gateway.yaml`.
 */
export function findAddress(
  given: string | undefined,
  lastLogin: string | null,
  environment: NodeJS.ProcessEnv,
): string {
  const { DASK_GATEWAY_ADDRESS, DASK_GATEWAY__ADDRESS } = environment
  const address =
    given ?? DASK_GATEWAY_ADDRESS ?? DASK_GATEWAY__ADDRESS ?? lastLogin ?? ofDask(environment)
  if (address === null)
    throw new UsageError(
      'Which gateway? Give --address URL, set DASK_GATEWAY_ADDRESS, or log in: dask-gateway login --address URL',
    )
  return checkedAddress(address)
}

export function checkedAddress(address: string): string {
  if (!/^https?:\/\/[^\s/]/.test(address) || !URL.canParse(address))
    throw new UsageError(
      `"${address}" is no address of a gateway: write http://HOST:PORT or https://HOST`,
    )
  const url = new URL(address)
  if (url.username !== '' || url.password !== '')
    throw new UsageError(
      'An address holds no password: others would see it. Use "dask-gateway login"',
    )
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '')
}

/** Only the plain form, two lines of YAML; whoever writes it otherwise gives the address. */
function ofDask(environment: NodeJS.ProcessEnv): string | null {
  const directory =
    environment.DASK_CONFIG ?? join(environment.HOME ?? homedir(), '.config', 'dask')
  let text: string
  try {
    text = readFileSync(join(directory, 'gateway.yaml'), 'utf8')
  } catch {
    return null
  }
  const section =
    /^gateway:[ \t]*(?:#.*)?\r?\n((?:(?:[ \t]+.*|[ \t]*#.*|)(?:\r?\n|$))*)/m.exec(text)?.[1] ?? ''
  const value = /^[ \t]+address:[ \t]*(?:"([^"\n]*)"|'([^'\n]*)'|([^\s#'"]+))/m.exec(section)
  return value?.[1] ?? value?.[2] ?? value?.[3] ?? null
}
