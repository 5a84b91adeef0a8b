export type {
  AdminClient,
  AuditQuery,
  Calling,
  ClusterQuery,
  LogQuery,
  UsageQuery,
} from './admin-client.ts'
export { basic, bearer, type Credentials } from './credentials.ts'
export { type ErrorCode, GatewayError } from './errors.ts'
export type { FollowOptions } from './follow.ts'
export {
  createGatewayClient,
  type GatewayClient,
  type GatewayClientOptions,
} from './gateway-client.ts'
export { linesOf } from './log-lines.ts'
export type * from './types.ts'
export type { WaitOptions } from './wait.ts'
