import type { Account } from '../account.ts'

type Environment = { readonly [name: string]: string }

/** Where programs are looked for when nobody has said anything about PATH. */
const systemPath = '/usr/local/bin:/usr/bin:/bin'

/**
 * The whole environment of a scheduler or worker: the account's, what the gateway passes on of its own, then the cluster's.
 */
export function childEnvironment(
  inheritedNames: readonly string[],
  account: Account,
  cluster: Environment,
): { readonly environment: Environment } | { readonly refused: string } {
  const inherited = Object.fromEntries(
    inheritedNames.flatMap((name) => {
      const value = process.env[name]
      return value === undefined ? [] : [[name, value]]
    }),
  )
  const ofAccount = { PATH: systemPath, HOME: account.home, SHELL: account.shell }
  const environment = { ...ofAccount, ...inherited, ...cluster }
  for (const [name, value] of Object.entries(environment)) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
      return { refused: `environment: ${JSON.stringify(name)} cannot be the name of a variable` }
    if (value.includes('\0'))
      return { refused: `environment: the value of ${name} holds a NUL character` }
  }
  return { environment }
}
