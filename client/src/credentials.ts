/** How a program proves who it is: the value of `Authorization`, or what gives it. Browsers need none: they have a cookie. */
export type Credentials = string | (() => string | Promise<string>)

/** A user name and a password (RFC 7617). */
export function basic(username: string, password: string): Credentials {
  const bytes = new TextEncoder().encode(`${username}:${password}`)
  return `Basic ${btoa(String.fromCharCode(...bytes))}`
}

/** An access token of the gateway, or a token of the JupyterHub that it asks. */
export function bearer(token: string): Credentials {
  return `jupyterhub ${token}`
}
