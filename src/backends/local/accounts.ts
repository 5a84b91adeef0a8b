import { access, constants } from 'node:fs/promises'
import { homedir } from 'node:os'
import { GatewayError } from '../../core/index.ts'
import { type Account, lookUpAccount, type Refused } from '../account.ts'
import { setpriv } from './as-account.ts'

/** Which account runs whose clusters: the one thing in which the local backends differ. */
export interface Accounts {
  /** Throws 'configuration' when whoever started the gateway may not use them. */
  check(signal: AbortSignal): Promise<void>
  of(username: string, signal: AbortSignal): Promise<Account | Refused>
}

/** Whether processes run as other accounts than the gateway's. */
export function isRoot(): boolean {
  return process.getuid?.() === 0
}

/** The clusters of each user run as the account of that name. */
export const accountOfEachUser: Accounts = {
  async check() {
    if (!isRoot())
      throw new GatewayError(
        'configuration',
        'LocalBackend runs the clusters of each user as that user, which only root can do: start the gateway as root, ' +
          'or use UnsafeLocalBackend, which runs all clusters as the account that starts the gateway',
      )
    await needSetpriv('LocalBackend')
  },
  of: lookUpAccount,
}

/** All clusters run as one account: the named one, else the gateway's own, which may not be root. */
export function oneAccount(name: string | null): Accounts {
  let known: Account | null = null
  const find = async (signal: AbortSignal) => {
    known ??= name === null ? ownAccount() : await accountNamed(name, signal)
    return known
  }
  return {
    check: async (signal) => void (await find(signal)),
    of: (_username, signal) => find(signal),
  }
}

function ownAccount(): Account {
  if (isRoot())
    throw new GatewayError(
      'configuration',
      'UnsafeLocalBackend runs clusters as the account that the gateway was started by, and root may not run them: ' +
        'start the gateway as another account, or name one: c.UnsafeLocalBackend.user = "NAME"',
    )
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0]
  const shell = process.env.SHELL || '/bin/sh'
  return { name: String(uid), uid, gid, home: homedir(), shell, own: true }
}

async function accountNamed(name: string, signal: AbortSignal): Promise<Account> {
  const refuse = (why: string) =>
    new GatewayError('configuration', `UnsafeLocalBackend.user = ${JSON.stringify(name)}: ${why}`)
  const account = await lookUpAccount(name, signal)
  if ('refused' in account) throw refuse(account.refused)
  if (account.own) return account
  if (!isRoot()) throw refuse('only a gateway started as root can run clusters as another account')
  await needSetpriv('UnsafeLocalBackend.user')
  return account
}

async function needSetpriv(setting: string): Promise<void> {
  await access(setpriv, constants.X_OK).catch((cause: unknown) => {
    throw new GatewayError(
      'configuration',
      `${setting} needs ${setpriv} (util-linux) to run processes as another account`,
      { cause },
    )
  })
}
