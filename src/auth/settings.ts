import * as z from 'zod'
import { messageOf, type SettingType, setting, settingsClass, types } from '../core/index.ts'
import { parseRule } from './kerberos/index.ts'

/** `c.Authenticator`: what every authenticator has. */
export const authenticatorSettings = settingsClass({
  name: 'Authenticator',
  dottedNames: ['dask_gateway_server.auth.Authenticator'],
  help: 'What every authenticator has: its sessions.',
  settings: {
    cookie_name: setting(types.optional(cookieName()), 'The name of the session cookie.', {
      defaultText: 'dask-gateway- and the instance id',
    }),
    cache_max_age: setting(
      types.seconds,
      'Seconds that a session lives which a program began by its Authorization header.',
      { default: 300 },
    ),
    session_max_age: setting(
      types.seconds,
      'Seconds that a session lives which a person began on the login page.',
      { default: 43200 },
    ),
    token_max_age: setting(
      types.optional(types.seconds),
      'Seconds that an access token may live, those made before too. 0: there are none. None: as long as its owner wants.',
      { default: 31_536_000 },
    ),
    allowed_users: setting(
      types.textList,
      'Who may use the gateway. Empty, and allowed_groups too: everybody whom the authenticator knows.',
      { default: [] },
    ),
    allowed_groups: setting(
      types.textList,
      'Members of these groups may use the gateway, besides allowed_users and those whom admin_users and admin_groups name.',
      { default: [] },
    ),
    admin_users: setting(types.textList, 'The names of administrators.', { default: [] }),
    admin_groups: setting(
      types.textList,
      'Members of these groups are administrators: groups as the authenticator knows them, or as groups_from says.',
      { default: [] },
    ),
    groups_from: setting(
      types.choice('authenticator', 'os'),
      'Where the groups of users come from. "os": those that the system of the gateway knows for an account of exactly that name, besides the authenticator\'s.',
      { default: 'authenticator' },
    ),
  },
})

/** `c.SimpleAuthenticator`. */
export const simpleAuthenticatorSettings = settingsClass({
  name: 'SimpleAuthenticator',
  parent: authenticatorSettings,
  dottedNames: ['dask_gateway_server.auth.SimpleAuthenticator'],
  help: 'A file of users with a password each; or one password for everybody, or none: for trying out, not for strangers.',
  settings: {
    password: setting(
      types.optional(types.text),
      'The password of all users. None: any password passes, so anybody may be anybody.',
      { defaultText: 'None' },
    ),
    htpasswd_file: setting(
      types.optional(types.path),
      'A file of users with a password each, as "htpasswd -B" writes it, in place of password. It is read again when it changes.',
      { defaultText: 'None' },
    ),
  },
})

/** `c.KerberosAuthenticator`. */
export const kerberosAuthenticatorSettings = settingsClass({
  name: 'KerberosAuthenticator',
  parent: authenticatorSettings,
  dottedNames: ['dask_gateway_server.auth.KerberosAuthenticator'],
  help: 'Users prove themselves by Kerberos (SPNEGO).',
  settings: {
    service_name: setting(
      types.text,
      'The service that the tickets must be for: HTTP of any host that the keytab has; or one of them, as "HTTP@gateway.example.org".',
      { default: 'HTTP' },
    ),
    keytab: setting(
      types.path,
      "The file with the service's keys. It may be replaced while the gateway runs.",
      { default: 'dask_gateway.keytab' },
    ),
    realms: setting(
      types.optional(realms()),
      'The realms whose users may come. Users of the same name in two of them are one user.',
      { defaultText: "that of the service's principal" },
    ),
    auth_to_local: setting(
      types.optional(localNameRules()),
      'Rules that make a user name of a principal, as in krb5.conf and core-site.xml: the first that fits decides, and without one nobody is let in.',
      { defaultText: 'DEFAULT: alice@REALM is alice, and alice/admin@REALM is nobody' },
    ),
  },
})

/** Apart, since the environment may give some of them too. */
export const jupyterhubDeclarations = {
  jupyterhub_api_token: setting(
    types.optional(types.text),
    "The gateway's own token at the hub; as an OAuth client, its secret.",
    { defaultText: 'JUPYTERHUB_API_TOKEN of the environment' },
  ),
  jupyterhub_api_url: setting(types.optional(types.httpUrl), "The URL of the hub's API.", {
    defaultText: 'JUPYTERHUB_API_URL of the environment',
  }),
  jupyterhub_service_name: setting(
    types.optional(serviceName()),
    'The name of the gateway as a service of the hub.',
    { defaultText: 'JUPYTERHUB_SERVICE_NAME of the environment' },
  ),
  use_service_access_scopes: setting(
    types.optional(types.boolean),
    "Whether a token needs the hub's scope access:services for this service. None: when a service name is set.",
    { defaultText: 'True when a service name is set' },
  ),
  jupyterhub_public_url: setting(
    types.optional(urlOrPath()),
    'The hub as browsers reach it, such as "https://hub.example.org/hub", or only its path where the gateway has the same address.',
    { defaultText: 'JUPYTERHUB_PUBLIC_HUB_URL of the environment' },
  ),
  oauth_client_id: setting(
    types.optional(types.text),
    'The gateway as an OAuth client of the hub: with it, browsers log in at the hub. None: people paste a token.',
    { defaultText: 'JUPYTERHUB_CLIENT_ID of the environment' },
  ),
  oauth_callback_url: setting(
    types.optional(urlOrPath()),
    'Where the hub sends browsers back to, exactly as the hub has it (oauth_redirect_uri): the public address and prefix of the gateway, and /oauth_callback.',
    { defaultText: 'JUPYTERHUB_OAUTH_CALLBACK_URL of the environment, else as the browser came' },
  ),
  tls_key: setting(types.optional(types.path), 'The key shown to the hub.'),
  tls_cert: setting(types.optional(types.path), 'The certificate shown to the hub.'),
  tls_ca: setting(
    types.optional(types.path),
    'The authority that signed the certificate of the hub.',
  ),
}

/** `c.JupyterHubAuthenticator`. */
export const jupyterhubAuthenticatorSettings = settingsClass({
  name: 'JupyterHubAuthenticator',
  parent: authenticatorSettings,
  dottedNames: ['dask_gateway_server.auth.JupyterHubAuthenticator'],
  help: 'A JupyterHub says who the bearer of a token is.',
  settings: jupyterhubDeclarations,
})

/** A token of RFC 6265: anything else would end the cookie's name, or its header. */
function cookieName(): SettingType<string> {
  const schema = z
    .string('must be a string')
    .regex(/^[\w!#$%&'*+.^`|~-]{1,100}$/, 'must be letters, digits, "-", "_" and "." only')
  return { word: 'cookie name', schema }
}

function realms(): SettingType<readonly string[]> {
  const name = z.string('must be a list of strings').min(1, 'must not be empty')
  const schema = z
    .array(name, 'must be a list of strings')
    .min(1, 'must name a realm: with none, nobody could log in')
  return { word: types.textList.word, schema: schema.readonly() }
}

function localNameRules(): SettingType<readonly string[]> {
  const rule = z.string('must be a list of strings').superRefine((text, context) => {
    try {
      parseRule(text)
    } catch (error) {
      context.addIssue({ code: 'custom', message: messageOf(error) })
    }
  })
  const schema = z.array(rule, 'must be a list of strings').min(1, 'must have a rule').readonly()
  return { word: types.textList.word, schema }
}

/** It becomes part of a scope's name. */
function serviceName(): SettingType<string> {
  const schema = z
    .string('must be a string')
    .regex(/^[\w.~-]{1,100}$/, 'must be letters, digits, "-", "_", "." and "~" only')
  return { word: 'string', schema }
}

function urlOrPath(): SettingType<string> {
  const schema = z
    .string('must be a URL or a path')
    .regex(
      /^(?:https?:\/\/[\x21-\x5b\x5d-\x7e]+|\/(?:[\x21-\x2e\x30-\x5b\x5d-\x7e][\x21-\x5b\x5d-\x7e]*)?)$/,
      'must be an http:// or https:// URL, or a path that begins with one slash',
    )
  return { word: 'URL or path', schema }
}
