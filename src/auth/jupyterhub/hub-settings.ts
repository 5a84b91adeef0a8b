import { GatewayError, parseSetting } from '../../core/index.ts'
import {
  jupyterhubDeclarations as declarations,
  type jupyterhubAuthenticatorSettings,
} from '../settings.ts'

type Environment = { readonly [name: string]: string | undefined }

export type JupyterHubValues = NonNullable<(typeof jupyterhubAuthenticatorSettings)['values']>

/** What the authenticator works with: the settings, completed from the environment as the hub sets it for its services. */
export interface HubSettings {
  /** Without a slash at its end. */
  readonly apiUrl: string
  /** Secret. The gateway's own; as an OAuth client, its secret. */
  readonly apiToken: string
  /** null: not a service that the hub knows by name. */
  readonly serviceName: string | null
  /** A token must have one of these; null: any token will do. */
  readonly accessScopes: readonly string[] | null
  /** The hub as browsers reach it, without a slash at its end: a URL, or a path of our own address; null: not told. */
  readonly publicUrl: string | null
  /** null: no client, so people paste a token. */
  readonly clientId: string | null
  /** As the hub knows it: a URL, or a path; null: as the browser reaches us. */
  readonly callbackUrl: string | null
  readonly tlsKey: string | null
  readonly tlsCert: string | null
  readonly tlsCa: string | null
}

// What the hub gives to services that it starts; others get the same names by hand.
const variables = {
  jupyterhub_api_token: 'JUPYTERHUB_API_TOKEN',
  jupyterhub_api_url: 'JUPYTERHUB_API_URL',
  jupyterhub_service_name: 'JUPYTERHUB_SERVICE_NAME',
  jupyterhub_public_url: 'JUPYTERHUB_PUBLIC_HUB_URL',
  oauth_client_id: 'JUPYTERHUB_CLIENT_ID',
  oauth_callback_url: 'JUPYTERHUB_OAUTH_CALLBACK_URL',
} as const

/** Throws 'configuration' for what is missing or does not fit together. */
export function hubSettings(values: JupyterHubValues, environment: Environment): HubSettings {
  const given = (name: keyof typeof variables) =>
    values[name] ?? fromEnvironment(name, variables[name], environment)
  const required = (name: keyof typeof variables) => {
    const value = given(name)
    if (value !== null) return value
    throw wrong(`${name} is missing: set it, or ${variables[name]} in the gateway's environment`)
  }

  const serviceName = given('jupyterhub_service_name')
  const useScopes = values.use_service_access_scopes ?? serviceName !== null
  if (useScopes && serviceName === null)
    throw wrong('use_service_access_scopes = True needs a jupyterhub_service_name')
  const { tls_key: tlsKey, tls_cert: tlsCert, tls_ca: tlsCa } = values
  if ((tlsKey === null) !== (tlsCert === null))
    throw wrong('tls_key and tls_cert must be set both, or neither')
  const callbackUrl = given('oauth_callback_url')
  if (callbackUrl !== null && !/^[^?#]*\/oauth_callback$/.test(callbackUrl))
    throw wrong(
      `oauth_callback_url = ${JSON.stringify(callbackUrl)} must end with /oauth_callback, where the gateway takes logins`,
    )
  const apiUrl = withoutSlash(required('jupyterhub_api_url'))
  if (!URL.canParse(apiUrl) || /[?#@]/.test(apiUrl))
    throw wrong('jupyterhub_api_url must be a plain URL, such as "http://127.0.0.1:8081/hub/api"')
  return {
    apiUrl,
    apiToken: required('jupyterhub_api_token'),
    serviceName,
    accessScopes: useScopes ? ['access:services', `access:services!service=${serviceName}`] : null,
    publicUrl: publicUrlOf(given('jupyterhub_public_url'), environment),
    clientId: given('oauth_client_id'),
    callbackUrl,
    tlsKey,
    tlsCert,
    tlsCa,
  }
}

function fromEnvironment(
  name: keyof typeof variables,
  variable: string,
  environment: Environment,
): string | null {
  return parseSetting('JupyterHubAuthenticator', name, declarations[name], {
    value: environment[variable],
    source: `environment variable ${variable}`,
  })
}

// Hubs before 5.0 do not set JUPYTERHUB_PUBLIC_HUB_URL; their services put it together from these two.
function publicUrlOf(given: string | null, environment: Environment): string | null {
  if (given !== null) return withoutSlash(given)
  const { JUPYTERHUB_HOST: host = '', JUPYTERHUB_BASE_URL: base = '' } = environment
  return base === '' ? null : `${withoutSlash(host)}${withoutSlash(base)}/hub`
}

function withoutSlash(url: string): string {
  return url.replace(/\/+$/, '')
}

function wrong(text: string): GatewayError {
  return new GatewayError('configuration', `JupyterHubAuthenticator.${text}`)
}
