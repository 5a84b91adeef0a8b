import { setting, settingsClass, types } from '../core/index.ts'
import { logLevel } from './server-settings.ts'
export const proxySettings = settingsClass({
  name: 'Proxy',
  dottedNames: ['dask_gateway_server.proxy.Proxy'],
  help: 'x',
  settings: {
    address: setting(types.hostPort, 'x', { default: ':8000' }),
    tcp_address: setting(types.optional(types.hostPort), 'x'),
    prefix: setting(types.text, 'x', { default: '' }),
    log_level: setting(logLevel, 'x', { default: 'warn' }),
  },
})
