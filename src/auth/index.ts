export { type AuthenticatorKind, authenticators, authSettingsClasses } from './authenticators.ts'
export { createSessions, type SessionSettings } from './sessions.ts'
export { authenticatorSettings, simpleAuthenticatorSettings } from './settings.ts'
export { createSimpleAuthenticator } from './simple-authenticator.ts'
