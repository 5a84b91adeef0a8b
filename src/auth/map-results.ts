import type { Authenticator, AuthResult, BrowserLogin } from '../core/index.ts'

/** The same authenticator, with what it finds changed, by whatever way somebody came. */
export function mapResults(
  authenticator: Authenticator,
  change: (result: AuthResult) => Promise<AuthResult>,
): Authenticator {
  const { login } = authenticator
  return {
    ...authenticator,
    login: login === null ? null : mappedLogin(login, change),
    authenticate: async (credentials) => change(await authenticator.authenticate(credentials)),
  }
}

function mappedLogin(
  login: BrowserLogin,
  change: (result: AuthResult) => Promise<AuthResult>,
): BrowserLogin {
  if (login.form === 'password')
    return { ...login, check: async (name, password) => change(await login.check(name, password)) }
  if (login.form === 'token')
    return { ...login, check: async (token: string) => change(await login.check(token)) }
  // What it sends goes to `authenticate`.
  if (login.form === 'negotiate') return login
  return {
    ...login,
    finish: async (attempt, answer) => change(await login.finish(attempt, answer)),
  }
}
