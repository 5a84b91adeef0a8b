export { createAccessTokens } from './access-tokens.ts'
export {
  type AuthenticatorKind,
  type AuthenticatorSurroundings,
  authenticators,
  authSettingsClasses,
} from './authenticators.ts'
export { createJupyterHubAuthenticator } from './jupyterhub/index.ts'
export { withoutLookAlikes } from './look-alikes.ts'
export { askIssuer, oidcAuthenticatorSettings } from './oidc/index.ts'
export {
  createAdmission,
  createRoles,
  groupsOfNow,
  type RoleSettings,
  withRules,
} from './roles.ts'
export { createSessions, type SessionSettings } from './sessions.ts'
export {
  authenticatorSettings,
  kerberosAuthenticatorSettings,
  simpleAuthenticatorSettings,
} from './settings.ts'
export { createSimpleAuthenticator } from './simple-authenticator.ts'
