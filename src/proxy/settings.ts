import * as z from 'zod'
import { type SettingType, setting, settingsClass, types } from '../core/index.ts'

export type DashboardAuth = 'login' | 'link' | false

/** `c.Proxy`: the public address and what is reached through it. */
export const proxySettings = settingsClass({
  name: 'Proxy',
  dottedNames: ['dask_gateway_server.proxy.Proxy'],
  help: 'The public address: one small process that passes TLS on to schedulers and everything else to the gateway.',
  settings: {
    address: setting(types.hostPort, 'The public address; without a host, all addresses.', {
      default: ':8000',
    }),
    tcp_address: setting(
      types.optional(types.hostPort),
      "An address of its own for schedulers' traffic; the public address then takes HTTP only.",
      { defaultText: 'the same as address' },
    ),
    prefix: setting(pathPrefix(), 'The path before every public route, such as /services/dask.', {
      default: '',
    }),
    gateway_url: setting(
      types.optional(gatewayUrl()),
      'Where a proxy that is managed externally finds the gateway: http://HOST:PORT (its DaskGateway.address).',
      { defaultText: 'the gateway on this host' },
    ),
    api_token: setting(
      types.optional(types.text),
      'The secret between gateway and proxy. Better given in the environment than in a file.',
      { defaultText: 'DASK_GATEWAY_PROXY_TOKEN, else random, kept beside the records' },
    ),
    max_events: setting(
      types.integer({ min: 1 }),
      'Changes of routes that are kept for a proxy that lags.',
      { default: 100 },
    ),
    tls_cert: setting(
      types.optional(types.path),
      'The certificate (PEM, with its chain) of the public address; makes it HTTPS. Goes with tls_key.',
    ),
    tls_key: setting(types.optional(types.path), 'The private key (PEM) of tls_cert.'),
    externally_managed: setting(
      types.boolean,
      'Whether somebody else runs "dask-gateway-server proxy"; the gateway then starts none.',
      { default: false },
    ),
    proxy_status_period: setting(
      types.seconds,
      'Seconds after which a proxy of ours that answers nothing is replaced, at least 10; one that ends is at once.',
      { default: 30 },
    ),
    log_level: setting(types.logLevel, 'The least level that the proxy logs.', { default: 'warn' }),
    dashboard_host: setting(
      types.optional(hostName()),
      'A host name of its own for dashboards, such as dashboards.example.org; without one they share the name of the API, shut in a sandbox.',
    ),
    dashboard_auth: setting(
      dashboardAuth(),
      'Who may see a dashboard: "login" (True means the same), its owner after a login; "link", who has its secret link; False, everybody.',
      { default: 'login' },
    ),
  },
})

function pathPrefix(): SettingType<string> {
  const schema = z
    .string('must be a path such as /services/dask, or empty')
    .transform((path) => path.replace(/\/+$/, ''))
    .refine((path) => /^(\/[\w.~-]+)*$/.test(path) && !/\/\.{1,2}(\/|$)/.test(path), {
      error: 'must be a path such as /services/dask, or empty',
    })
  return { word: 'path prefix', schema }
}

function gatewayUrl(): SettingType<string> {
  const message = 'must be http://HOST:PORT, or unix:/PATH'
  const schema = z
    .string(message)
    .refine((url) => /^http:\/\/[^\s/@?#]+\/?$/.test(url) || /^unix:\/[^\0]+$/.test(url), message)
  return { word: 'URL', schema }
}

/** A port may be typed and is dropped: browsers keep the one by which they came, which a proxy before us may have chosen. */
function hostName(): SettingType<string> {
  const schema = z
    .string('must be a host name')
    .regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?$/i, 'must be a host name, without http://')
    .transform((name) => name.toLowerCase().replace(/:\d+$/, ''))
  return { word: 'host', schema }
}

function dashboardAuth(): SettingType<DashboardAuth> {
  const schema = z.preprocess(
    (value) => (value === true ? 'login' : value),
    z.union([z.literal('login'), z.literal('link'), z.literal(false)], {
      error: 'must be "login", "link" or False',
    }),
  )
  return { word: '"login" or "link" or False', schema }
}
