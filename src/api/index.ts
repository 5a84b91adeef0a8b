export { openAuditFile } from './audit-file.ts'
export { type AuditTrail, createAuditTrail } from './audit-trail.ts'
export {
  type Authentication,
  type Caller,
  createAuthentication,
  type UserRules,
} from './authentication.ts'
export type { Client } from './client.ts'
export { type DashboardRoute, plainDashboardRoute } from './cluster-report.ts'
export { type Api, type ApiOptions, createApi } from './create-api.ts'
export { type Door, openSocketDoor, openTcpDoor } from './door.ts'
export type { DashboardHandlers } from './http-server.ts'
export type { LoginPagesOptions } from './login-pages.ts'
export { createMetrics, type Metrics, toldMethods } from './metrics.ts'
export type { ReadinessCheck } from './readiness.ts'
export { apiSettingsClasses, auditSettings, metricsSettings } from './settings.ts'
export { openTlsCertificate, type TlsCertificate, type TlsFiles } from './tls-certificate.ts'
