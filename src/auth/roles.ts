import type { Authenticator, AuthResult, BrowserLogin, User } from '../core/index.ts'
import { groupsOfSystem } from './system-groups.ts'

export interface RoleSettings {
  readonly admin_users: readonly string[]
  readonly admin_groups: readonly string[]
  readonly groups_from: 'authenticator' | 'os'
}

/**
 * Who is an administrator, besides those whom the authenticator calls so. Asked at every request, so that sessions of
 * before a changed configuration give no rights that it does not.
 */
export function createRoles({ admin_users, admin_groups }: RoleSettings): (user: User) => User {
  const names = new Set(admin_users)
  const groups = new Set(admin_groups)
  return (user) =>
    user.admin || !(names.has(user.name) || user.groups.some((group) => groups.has(group)))
      ? user
      : { ...user, admin: true }
}

/** An authenticator whose users have the groups of `groups_from`. */
export function withGroups(authenticator: Authenticator, settings: RoleSettings): Authenticator {
  if (settings.groups_from === 'authenticator') return authenticator
  const { login } = authenticator
  return {
    challenge: authenticator.challenge,
    open: authenticator.open,
    login: login === null ? null : loginWithGroups(login),
    start: () => authenticator.start(),
    stop: () => authenticator.stop(),
    authenticate: async (credentials) => grouped(await authenticator.authenticate(credentials)),
  }
}

function loginWithGroups(login: BrowserLogin): BrowserLogin {
  if (login.form === 'password')
    return { ...login, check: async (name, password) => grouped(await login.check(name, password)) }
  if (login.form === 'token')
    return { ...login, check: async (token: string) => grouped(await login.check(token)) }
  // What it sends goes to `authenticate`.
  if (login.form === 'negotiate') return login
  return {
    ...login,
    finish: async (attempt, answer) => grouped(await login.finish(attempt, answer)),
  }
}

async function grouped(result: AuthResult): Promise<AuthResult> {
  if (result.outcome === 'refused') return result
  const { user } = result
  const groups = [...new Set([...user.groups, ...(await groupsOfSystem(user.name))])]
  return { ...result, user: { ...user, groups } }
}
