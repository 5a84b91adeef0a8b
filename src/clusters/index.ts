export type * from './cluster-service.ts'
export { shownStatuses } from './cluster-service.ts'
