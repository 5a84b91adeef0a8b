export { beginProxy, type ProxyProcess } from './begin-proxy.ts'
export { runManagedProxy } from './managed-proxy.ts'
export { createRouteTable } from './route-table.ts'
export { type RunProxyOptions, runProxy } from './run-proxy.ts'
export { type DashboardAuth, proxySettings } from './settings.ts'
export {
  type ProxyLimits,
  type ProxyOptions,
  type RunningProxy,
  startProxy,
} from './start-proxy.ts'
export { type SupervisedProxy, type SupervisorOptions, superviseProxy } from './supervise-proxy.ts'
export { type WatchOptions, watchRoutes } from './watch-routes.ts'
