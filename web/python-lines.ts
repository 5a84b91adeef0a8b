/** The Python that reaches this gateway, by the way that programs prove here who they are. With `cluster`: that cluster. */
export function pythonLines(
  address: string,
  user: { readonly name: string; readonly challenge: string },
  cluster: string | null = null,
): string {
  const last =
    cluster === null
      ? ['cluster = gateway.new_cluster()', 'cluster.scale(2)']
      : [`cluster = gateway.connect(${pythonText(cluster)})`]
  return [...gatewayLines(address, user), ...last, 'client = cluster.get_client()'].join('\n')
}

function gatewayLines(
  address: string,
  user: { readonly name: string; readonly challenge: string },
): readonly string[] {
  const where = pythonText(address)
  switch (user.challenge.toLowerCase()) {
    case 'basic':
      return [
        'from dask_gateway import Gateway, BasicAuth',
        '',
        `auth = BasicAuth(${pythonText(user.name)}, "your password")`,
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
    default:
      return [
        'from dask_gateway import Gateway',
        '',
        `gateway = Gateway(${where}, auth="kerberos")`,
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
