import type { Authenticator, User } from '../core/index.ts'
import { mapResults } from './map-results.ts'
import { groupsOfSystem } from './system-groups.ts'

export interface RoleSettings {
  readonly allowed_users: readonly string[]
  readonly allowed_groups: readonly string[]
  readonly admin_users: readonly string[]
  readonly admin_groups: readonly string[]
  readonly groups_from: 'authenticator' | 'os'
}

/**
 * Who is an administrator, besides those whom the authenticator calls so. Asked at every request, so that sessions of
 * before a changed configuration give no rights that it does not.
 */
export function createRoles({ admin_users, admin_groups }: AdminSettings): (user: User) => User {
  const isAdmin = membership(admin_users, admin_groups)
  return (user) => (user.admin || !isAdmin(user) ? user : { ...user, admin: true })
}

/** Who may use the gateway: everybody unless somebody is named, and the administrators who are named. Asked as roles are. */
export function createAdmission(settings: RoleSettings): (user: User) => boolean {
  const { allowed_users, allowed_groups } = settings
  if (allowed_users.length === 0 && allowed_groups.length === 0) return () => true
  const isAllowed = membership(allowed_users, allowed_groups)
  const isAdmin = membership(settings.admin_users, settings.admin_groups)
  return (user) => isAllowed(user) || isAdmin(user)
}

/** An authenticator that lets in those whom the settings allow, with the groups of `groups_from`. */
export function withRules(authenticator: Authenticator, settings: RoleSettings): Authenticator {
  const isAllowed = createAdmission(settings)
  return mapResults(authenticator, async (result) => {
    if (result.outcome === 'refused') return result
    const user = settings.groups_from === 'os' ? await withSystemGroups(result.user) : result.user
    if (isAllowed(user)) return { ...result, user }
    return { outcome: 'refused', reason: `User ${user.name} may not use this gateway` }
  })
}

/** The owner of an access token as they are now: groups of the system may have changed since it was made. */
export function groupsOfNow({ groups_from }: RoleSettings): (user: User) => Promise<User> {
  if (groups_from === 'authenticator') return async (user) => user
  return async (user) => ({ ...user, groups: await groupsOfSystem(user.name) })
}

type AdminSettings = Pick<RoleSettings, 'admin_users' | 'admin_groups'>

function membership(users: readonly string[], groups: readonly string[]) {
  const names = new Set(users)
  const groupNames = new Set(groups)
  return (user: User) => names.has(user.name) || user.groups.some((group) => groupNames.has(group))
}

async function withSystemGroups(user: User): Promise<User> {
  return { ...user, groups: [...new Set([...user.groups, ...(await groupsOfSystem(user.name))])] }
}
