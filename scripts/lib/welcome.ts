export interface Welcome {
  readonly url: string
  readonly password: string
  readonly python: string
}

/** What `npm start` prints when the gateway answers. The Python lines stand as they can be pasted; a test does. */
export function welcome({ url, password, python }: Welcome): string {
  return `
The gateway is ready. Paste this into a Python prompt (${python}):

    from dask_gateway import Gateway, BasicAuth
    import dask.array as da
    gateway = Gateway(${pythonText(url)}, auth=BasicAuth(password=${pythonText(password)}))
    cluster = gateway.new_cluster()
    cluster.scale(2)
    client = cluster.get_client()
    print(da.random.random((4000, 4000), chunks=(1000, 1000)).sum().compute())
    cluster.shutdown()

In a browser: ${new URL(url).href} (any name, the same password). Ctrl-C stops the gateway and its clusters.
`
}

/** A JSON text is a Python text too, once what a terminal could act on is written as an escape. */
function pythonText(value: string): string {
  return JSON.stringify(value).replace(
    /[^\x20-\x7e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
