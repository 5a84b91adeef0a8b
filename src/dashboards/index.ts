export type { Client } from './client.ts'
export { createDashboards, type Dashboards, type DashboardsOptions } from './create-dashboards.ts'
export { type DashboardAuth, dashboardRoute, redactPath } from './dashboard-path.ts'
