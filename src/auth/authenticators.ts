import { type Authenticator, GatewayError, type Logger, type SettingsClass } from '../core/index.ts'
import { createHtpasswdAuthenticator } from './htpasswd/index.ts'
import { createJupyterHubAuthenticator } from './jupyterhub/index.ts'
import { createKerberosAuthenticator } from './kerberos/index.ts'
import { createOidcAuthenticator, oidcAuthenticatorSettings } from './oidc/index.ts'
import {
  authenticatorSettings,
  jupyterhubAuthenticatorSettings,
  kerberosAuthenticatorSettings,
  simpleAuthenticatorSettings,
} from './settings.ts'
import { createSimpleAuthenticator } from './simple-authenticator.ts'

/** One kind of authenticator: `create` gets the resolved values of `settings`, and has no effects. */
export interface AuthenticatorKind {
  readonly settings: SettingsClass
  readonly create: (values: unknown, surroundings: AuthenticatorSurroundings) => Authenticator
}

/** What an authenticator is given beside its settings. */
export interface AuthenticatorSurroundings {
  readonly environment: { readonly [name: string]: string | undefined }
  readonly logger: Logger
}

/** Every authenticator, by the class name that `DaskGateway.authenticator_class` ends with. */
export const authenticators: { readonly [className: string]: AuthenticatorKind } = {
  SimpleAuthenticator: kind(simpleAuthenticatorSettings, createSimpleOrHtpasswd),
  KerberosAuthenticator: kind(kerberosAuthenticatorSettings, (values, { logger }) =>
    createKerberosAuthenticator(values, logger),
  ),
  JupyterHubAuthenticator: kind(jupyterhubAuthenticatorSettings, createJupyterHubAuthenticator),
  OIDCAuthenticator: kind(oidcAuthenticatorSettings, createOidcAuthenticator),
}

/** All that configurations may set here, the common class first. */
export const authSettingsClasses: readonly SettingsClass[] = [
  authenticatorSettings,
  ...Object.values(authenticators).map((each) => each.settings),
]

function createSimpleOrHtpasswd(
  { password, htpasswd_file }: NonNullable<(typeof simpleAuthenticatorSettings)['values']>,
  { logger }: AuthenticatorSurroundings,
): Authenticator {
  if (htpasswd_file === null) return createSimpleAuthenticator({ password })
  if (password === null) return createHtpasswdAuthenticator(htpasswd_file, logger)
  throw new GatewayError(
    'configuration',
    'SimpleAuthenticator.password is one for everybody, SimpleAuthenticator.htpasswd_file has one for each user: set one of the two',
  )
}

function kind<V>(
  settings: SettingsClass<V>,
  create: (values: V, surroundings: AuthenticatorSurroundings) => Authenticator,
): AuthenticatorKind {
  // Whoever calls `create` has resolved the values by `settings`, so they are a V.
  return { settings, create: (values, surroundings) => create(values as V, surroundings) }
}
