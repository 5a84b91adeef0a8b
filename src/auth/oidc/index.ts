export { askIssuer } from './ask-issuer.ts'
export { createOidcAuthenticator } from './oidc-authenticator.ts'
export { oidcAuthenticatorSettings } from './oidc-settings.ts'
