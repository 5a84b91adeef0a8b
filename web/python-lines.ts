interface PythonUser {
  readonly name: string
  /** How programs prove who they are; of `GET /api/v1/user`. */
  readonly challenge: string
}

/**
 * The Python that reaches this gateway, by the way that programs prove here who they are, or with an access token. With `cluster`: that
 * cluster.
 */
export function pythonLines(
  address: string,
  user: PythonUser,
  cluster: string | null = null,
  by: 'a token' | 'the usual way' = 'the usual way',
): string {
  const last =
    cluster === null
      ? ['cluster = gateway.new_cluster()', 'cluster.scale(2)']
      : [`cluster = gateway.connect(${pythonText(cluster)})`]
  const first = by === 'a token' ? linesWithToken(address, user) : gatewayLines(address, user)
  return [...first, ...last, 'client = cluster.get_client()'].join('\n')
}

/** From the environment: a secret in a notebook is soon in a repository. */
function linesWithToken(address: string, { name }: PythonUser): readonly string[] {
  return [
    'import os',
    'from dask_gateway import Gateway, BasicAuth',
    '',
    `auth = BasicAuth(${pythonText(name)}, os.environ["DASK_GATEWAY_TOKEN"])`,
    `gateway = Gateway(${pythonText(address)}, auth=auth)`,
  ]
}

function gatewayLines(address: string, user: PythonUser): readonly string[] {
  const where = pythonText(address)
  switch (user.challenge.toLowerCase()) {
    case 'basic':
      return [
        'from dask_gateway import Gateway, BasicAuth',
        '',
        `auth = BasicAuth(${pythonText(user.name)}, "your password or access token")`,
        `gateway = Gateway(${where}, auth=auth)`,
      ]
    case 'jupyterhub':
      return [
        'from dask_gateway import Gateway, JupyterHubAuth',
        '',
        '# On a server of the hub, auth="jupyterhub" is enough.',
        'auth = JupyterHubAuth("your token")',
        `gateway = Gateway(${where}, auth=auth)`,
      ]
    case 'negotiate':
      return [
        'from dask_gateway import Gateway',
        '',
        `gateway = Gateway(${where}, auth="kerberos")`,
      ]
    // A login by the browser alone, as with OIDC.
    default:
      return [
        '# Make an access token first, on this page under Tokens.',
        ...linesWithToken(address, user),
      ]
  }
}

/** A JSON text is a Python text too, once all of it is ASCII. */
function pythonText(value: string): string {
  return JSON.stringify(value).replace(
    /[^\x20-\x7e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
