import { GatewayError, type User } from '../src/index.ts'
import { askLine } from './ask-secret.ts'
import { type Command, type Context, isSet, textOf } from './context.ts'
import { findAddress } from './find-address.ts'
import { clientOf, loginsPath, readLogins, type SavedLogin, writeLogins } from './saved-logins.ts'

export const loginCommands: readonly Command[] = [
  {
    name: 'login',
    operands: [],
    summary: 'prove who you are, and keep the password or token in a file of yours',
    options: {
      user: {
        type: 'string',
        short: 'u',
        value: 'NAME',
        help: 'the user name; else it is asked for',
      },
      token: {
        type: 'boolean',
        help: 'by an access token, or a token of a JupyterHub, instead of a password',
      },
      kerberos: {
        type: 'boolean',
        help: 'by the ticket that kinit has got you; nothing secret is kept',
      },
    },
    run: login,
  },
  {
    name: 'logout',
    operands: [],
    summary: 'forget the password or token of this gateway',
    options: {},
    run: logout,
  },
  {
    name: 'whoami',
    operands: [],
    summary: 'who you are to the gateway',
    options: {},
    async run({ gateway, output, signal }) {
      const client = await gateway()
      const user = await client.user({ signal })
      if (output.isJson) output.json({ address: client.address, ...user })
      else output.line(`${sentenceOf(user)} at ${client.address}`)
      return undefined
    },
  },
]

async function login(context: Context): Promise<undefined> {
  const { values, environment, output, signal } = context
  const path = loginsPath(environment)
  const saved = await readLogins(path)
  const address = findAddress(textOf(values, 'address'), saved.current, environment)
  const entered = await enteredLogin(context)
  const client = clientOf(address, entered)
  let user: User
  try {
    user = await client.user({ signal })
  } catch (error) {
    if (!(error instanceof GatewayError) || error.code !== 'unauthenticated') throw error
    throw new GatewayError('unauthenticated', `${address} does not let you in: ${error.message}`)
  }
  await writeLogins(path, { current: address, logins: { ...saved.logins, [address]: entered } })
  if (output.isJson) output.json({ address, ...user })
  else output.line(`${sentenceOf(user)} at ${address}; kept in ${path}`)
  return undefined
}

/** Never from the command line, which others can see. */
async function enteredLogin({ values, environment, signal }: Context): Promise<SavedLogin> {
  if (isSet(values, 'kerberos')) return { kerberos: true }
  if (isSet(values, 'token')) return { token: (await askLine('Token: ', true, signal)).trim() }
  const known = textOf(values, 'user')
  const ownName = environment.USER ?? environment.LOGNAME ?? ''
  const asks = process.stdin.isTTY && known === undefined
  const typed = asks ? await askLine(`User name [${ownName}]: `, false, signal) : ''
  const user = known ?? (typed.trim() || ownName)
  return { user, password: await askLine('Password: ', true, signal) }
}

async function logout({ values, environment, output }: Context): Promise<undefined> {
  const path = loginsPath(environment)
  const { current, logins } = await readLogins(path)
  const address = findAddress(textOf(values, 'address'), current, environment)
  const { [address]: gone, ...others } = logins
  await writeLogins(path, { current: current === address ? null : current, logins: others })
  if (output.isJson) output.json({ address, known: gone !== undefined })
  else
    output.line(
      gone === undefined ? `There was no login at ${address}` : `Logged out of ${address}`,
    )
  return undefined
}

function sentenceOf({ name, groups, admin }: User): string {
  const more = [
    admin ? 'an administrator' : '',
    groups.length === 0 ? '' : `in ${groups.map(unmistakable).join(', ')}`,
  ]
  const words = more.filter((each) => each !== '').join(', ')
  return `You are ${name}${words === '' ? '' : ` (${words})`}`
}

/** A group may have a comma in its name. */
function unmistakable(group: string): string {
  return group.includes(',') ? JSON.stringify(group) : group
}
