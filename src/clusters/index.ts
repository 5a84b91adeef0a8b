export type * from './cluster-service.ts'
export { shownStatuses } from './cluster-service.ts'
export {
  type ClusterPolicy,
  type Clusters,
  type ClustersParts,
  createClusters,
} from './clusters.ts'
export { workerLimit } from './limits.ts'
export { isNeverScheduler } from './scheduler-address.ts'
