import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type ClusterSettings, GatewayError } from '../../core/index.ts'
import { shellQuoted } from '../../util/index.ts'
import type { Account } from '../account.ts'
import type { Rehearsal } from '../backend-driver.ts'
import { asAccount } from './as-account.ts'
import { childEnvironment } from './child-environment.ts'
import { firstProgram } from './first-program.ts'
import { resolveCommand } from './resolve-command.ts'

const maxOutputBytes = 1024 * 1024

/** Finds a command as a start would, with the account and the environment that it would have, and runs nothing of it. */
export async function rehearse(
  role: 'scheduler' | 'worker',
  settings: ClusterSettings,
  account: Account,
  inheritedNames: readonly string[],
  signal: AbortSignal,
): Promise<Rehearsal> {
  const setting = `${role}_cmd` as const
  const refuse = (why: string) => new GatewayError('configuration', why)
  const built = childEnvironment(inheritedNames, account, settings.environment)
  if ('refused' in built) throw refuse(built.refused)
  const { environment } = built
  const place = {
    ...{ path: environment.PATH ?? '', home: account.home, directory: '/' },
    firstProgram: (paths: readonly string[]) => firstProgram(paths, account, signal),
  }
  const command = await resolveCommand(setting, settings[setting], place)
  if ('refused' in command) throw refuse(command.refused)
  return {
    argv: command.argv,
    note: command.note,
    accountName: account.own ? null : account.name,
    run: (argv, signal) => run(argv, environment, account, signal),
  }
}

/** The environment goes by standard input: it may hold secrets, and until setpriv has given up root, a LD_PRELOAD in it would be root's. */
async function run(
  argv: readonly string[],
  environment: { readonly [name: string]: string },
  account: Account,
  signal: AbortSignal,
): Promise<{ readonly status: number | null; readonly output: string; readonly errors: string }> {
  const [program, ...args] = asAccount(account, ['/bin/sh'])
  const child = spawn(program, args, { cwd: '/', env: {}, signal, killSignal: 'SIGKILL' })
  const texts = { output: '', errors: '' }
  const collect = (name: keyof typeof texts) => (text: string) => {
    if (texts[name].length < maxOutputBytes) texts[name] += text
  }
  child.stdout.setEncoding('utf8').on('data', collect('output'))
  child.stderr.setEncoding('utf8').on('data', collect('errors'))
  child.stdin.on('error', () => undefined)
  const exports = Object.entries(environment).map(
    ([name, value]) => `command export ${name}=${shellQuoted(value)}`,
  )
  child.stdin.end(`{
${exports.join('\n')}
exec ${argv.map(shellQuoted).join(' ')} < /dev/null
}
`)
  const [status] = await once(child, 'close')
  return { status, ...texts }
}
