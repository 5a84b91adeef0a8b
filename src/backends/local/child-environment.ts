type Environment = { readonly [name: string]: string }

/**
 * The whole environment of a scheduler or worker: what the gateway passes on of its own, then the cluster's, then what
 * may not be changed.
 */
export function childEnvironment(
  inheritedNames: readonly string[],
  home: string,
  cluster: Environment,
  fixed: Environment,
): { readonly environment: Environment } | { readonly refused: string } {
  const inherited = Object.fromEntries(
    inheritedNames.flatMap((name) => {
      const value = process.env[name]
      return value === undefined ? [] : [[name, value]]
    }),
  )
  const environment = { HOME: home, ...inherited, ...cluster, ...fixed }
  for (const [name, value] of Object.entries(environment)) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
      return { refused: `environment: ${JSON.stringify(name)} cannot be the name of a variable` }
    if (value.includes('\0'))
      return { refused: `environment: the value of ${name} holds a NUL character` }
  }
  return { environment }
}
