import { setting, settingsClass, types } from '../core/index.ts'

const noEffect = 'Accepted and without effect'

/** `c.Application`: what the old server had from its framework. */
export const applicationSettings = settingsClass({
  name: 'Application',
  help: 'The program.',
  settings: {
    log_level: setting(types.logLevel, 'The least level that is logged.', { default: 'INFO' }),
    log_format: setting(types.anything, `${noEffect}: the layout of log lines is fixed.`),
    log_datefmt: setting(types.anything, `${noEffect}: times are written as ISO 8601.`),
    logging_config: setting(types.anything, `${noEffect}: the log goes to standard error.`),
    show_config: setting(types.boolean, 'Whether to print the configuration and end.', {
      default: false,
    }),
    show_config_json: setting(types.boolean, 'The same, as JSON.', { default: false }),
  },
})

/** `c.DaskGateway`. */
export const gatewaySettings = settingsClass({
  name: 'DaskGateway',
  parent: applicationSettings,
  dottedNames: ['dask_gateway_server.app.DaskGateway'],
  help: 'The gateway itself.',
  settings: {
    authenticator_class: setting(types.className, 'Who says who a user is.', {
      default: 'dask_gateway_server.auth.SimpleAuthenticator',
    }),
    backend_class: setting(types.className, 'What runs the clusters.', {
      default: 'dask_gateway_server.backends.local.UnsafeLocalBackend',
    }),
    address: setting(
      types.hostPort,
      'The private address: clusters, the proxy and probes ask there. Port 0: one is chosen once and kept.',
      { default: '127.0.0.1:0' },
    ),
    config_file: setting(types.text, 'The configuration file, as -f and --config.', {
      default: 'dask_gateway_config.py',
    }),
    handler_timeout: setting(
      types.float({ min: 0.01 }),
      'Seconds that an option handler, or a callable cluster_options, may take; an hour at most.',
      { default: 10 },
    ),
    trusted_proxies: setting(
      types.networks,
      'Networks of reverse proxies whose X-Forwarded-* headers are believed.',
      { default: [] },
    ),
  },
})

/** Settings that are taken from existing files and change nothing. */
export const withoutEffect: ReadonlySet<string> = new Set([
  'log_format',
  'log_datefmt',
  'logging_config',
  'config_file',
  'app_client_cache_max_size',
  'check_timeouts_period',
])

/** Classes of which the names alone are known: whatever is set for them is accepted. */
export const knownByName: ReadonlySet<string> = new Set([
  'KubeBackend',
  'KubeClusterConfig',
  'KubeController',
])
