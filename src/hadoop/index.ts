export { type Configuration, readConfiguration } from './configuration/configuration.ts'
export { type FindOptions, findConfigurationFolder } from './configuration/find-folder.ts'
export {
  type FileSystemAddress,
  fileSystemsWithSpares,
  isSecure,
  nameNodes,
  protectionsOf,
  resourceManagers,
} from './configuration/services.ts'
export { type Credentials, decodeCredentials, encodeCredentials } from './credentials.ts'
export { HadoopError, type HadoopErrorCode } from './errors.ts'
export {
  createFileSystemClient,
  type FileStatus,
  type FileSystem,
  type FileSystemClient,
} from './hdfs/file-system.ts'
export { checkedPath, readHdfsUrl } from './hdfs/path.ts'
export type { NodeState } from './messages/yarn-cluster.ts'
export type { ApplicationState } from './messages/yarn-common.ts'
export type { Login, Token } from './rpc/authenticate.ts'
export type { CallOptions } from './rpc/client.ts'
export type { ExpectedServer } from './rpc/service-principal.ts'
export type { Protection } from './sasl/protection.ts'
export type { HadoopClientOptions } from './service-client.ts'
export { nameNodeStates, resourceManagerStates, type ServiceState } from './service-states.ts'
export { encodeLaunchContext, encodeResource, type LaunchContext } from './yarn/encode.ts'
export {
  type ApplicationId,
  applicationIdText,
  containerIdText,
  readApplicationId,
} from './yarn/ids.ts'
export {
  type ApplicationReport,
  type ApplicationsQuery,
  type AttemptReport,
  type ClusterMetrics,
  type ContainerReport,
  createResourceManagerClient,
  type NodeReport,
  type QueueInfo,
  type Resource,
  type ResourceManager,
  type ResourceManagerClient,
  type SubmissionContext,
} from './yarn/resource-manager.ts'
