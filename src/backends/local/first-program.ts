import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Account } from '../account.ts'
import { asAccount } from './as-account.ts'

/**
 * The first of the paths that is a program which the account may run; null: none is. The account itself looks: what root
 * can see tells nothing of it, and must not be told to it.
 */
export async function firstProgram(
  paths: readonly string[],
  account: Account,
  signal: AbortSignal,
): Promise<string | null> {
  const script = 'for p do [ -f "$p" ] && [ -x "$p" ] && { printf %s "$p"; exit; }; done; :'
  const [program, ...args] = asAccount(account, ['/bin/sh', '-c', script, 'sh', ...paths])
  const options = { cwd: '/', env: { PATH: '/usr/bin:/bin' }, timeout: 10_000, signal }
  const { stdout } = await promisify(execFile)(program, args, options)
  return paths.find((path) => path === stdout) ?? null
}
