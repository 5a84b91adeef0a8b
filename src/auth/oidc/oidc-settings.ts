import * as z from 'zod'
import { GatewayError, type SettingType, setting, settingsClass, types } from '../../core/index.ts'
import { authenticatorSettings } from '../settings.ts'

/** `c.OIDCAuthenticator`. */
export const oidcAuthenticatorSettings = settingsClass({
  name: 'OIDCAuthenticator',
  parent: authenticatorSettings,
  dottedNames: ['dask_gateway_server.auth.OIDCAuthenticator'],
  help: 'Users log in at an OpenID provider (Keycloak, Entra ID, Google, Okta, ...) in a browser; their programs come with access tokens.',
  settings: {
    issuer: setting(
      types.optional(safeUrl()),
      'The URL of the provider exactly as it calls itself: "issuer" in the document at ISSUER/.well-known/openid-configuration. https, or http of this machine.',
      { defaultText: 'must be set' },
    ),
    client_id: setting(
      types.optional(types.text),
      'The gateway as the provider knows it: a client for web applications, with the authorization code flow.',
      { defaultText: 'must be set' },
    ),
    client_secret_file: setting(
      types.optional(types.path),
      "The file with the client's secret, which the gateway's account alone may read; read again at SIGHUP. None: a public client, which PKCE alone protects.",
      { defaultText: 'None' },
    ),
    provider_name: setting(
      types.optional(types.text),
      'The provider as people call it, on the login page.',
      { defaultText: "the issuer's host" },
    ),
    scopes: setting(types.textList, 'What the provider is asked for, besides openid.', {
      default: ['profile', 'email'],
    }),
    username_claim: setting(
      claimName(),
      'The claim that is the user name. It must be one that users cannot change, and that names nobody else later: only "sub" is that everywhere. A name by "email" counts only when the provider has verified it.',
      { default: 'sub' },
    ),
    groups_claim: setting(
      types.optional(claimName()),
      'The claim with the groups of a user: a list of names, or one name. "realm_access.roles" is "roles" in "realm_access", unless a claim is called so.',
      { default: 'groups' },
    ),
    admin_claim: setting(
      types.optional(claimName()),
      'Users with true in this claim are administrators, besides admin_users and admin_groups.',
      { defaultText: 'None' },
    ),
    callback_url: setting(
      types.optional(safeUrl()),
      'Where the provider sends browsers back to, exactly as it has it: the public address and prefix of the gateway, and /oauth_callback.',
      { defaultText: 'as the browser came' },
    ),
    clock_tolerance: setting(
      types.seconds,
      'Seconds that the clock of the provider may be ahead of ours, or behind it.',
      { default: 60 },
    ),
    tls_ca: setting(
      types.optional(types.path),
      'The authority that signed the certificate of the provider.',
      { defaultText: 'those that Node knows' },
    ),
  },
})

export type OidcValues = NonNullable<(typeof oidcAuthenticatorSettings)['values']>

/** The values with what must be there. */
export type OidcSettings = OidcValues & {
  readonly issuer: string
  readonly client_id: string
  readonly provider_name: string
}

/** Throws 'configuration' for what is missing or does not fit together. */
export function oidcSettings(values: OidcValues): OidcSettings {
  const required = (name: 'issuer' | 'client_id') => {
    const value = values[name]
    if (value !== null) return value
    throw new GatewayError('configuration', `OIDCAuthenticator.${name} is missing`)
  }
  const issuer = required('issuer')
  const { callback_url } = values
  if (callback_url !== null && !callback_url.endsWith('/oauth_callback'))
    throw new GatewayError(
      'configuration',
      `OIDCAuthenticator.callback_url = ${JSON.stringify(callback_url)} must end with /oauth_callback, where the gateway takes logins`,
    )
  const provider_name = values.provider_name ?? new URL(issuer).host
  return { ...values, issuer, client_id: required('client_id'), provider_name }
}

/** Whether nobody on the way can read or change what is sent there. */
export function isSafeUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname } = new URL(text)
  const isHere = hostname === 'localhost' || hostname === '[::1]' || /^127\./.test(hostname)
  return protocol === 'https:' || (protocol === 'http:' && isHere)
}

function safeUrl(): SettingType<string> {
  const words =
    'must be an https:// URL (http:// on this machine only) without a query, such as "https://login.example.org/realms/science"'
  const schema = z
    .string('must be a URL')
    .regex(/^[\x21-\x7e]+$/, words)
    .refine((value) => isSafeUrl(value) && !/[?#@]/.test(value), words)
  return { word: 'URL', schema }
}

function claimName(): SettingType<string> {
  return {
    word: 'claim',
    schema: z.string('must be the name of a claim').min(1, 'must not be empty'),
  }
}
