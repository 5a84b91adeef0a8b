import { resourceManagers } from '../configuration/services.ts'
import { HadoopError } from '../errors.ts'
import {
  cancelDelegationTokenRequest,
  empty,
  getDelegationTokenRequest,
  getDelegationTokenResponse,
} from '../messages/security.ts'
import * as applications from '../messages/yarn-applications.ts'
import * as cluster from '../messages/yarn-cluster.ts'
import type { applicationReport, resource } from '../messages/yarn-common.ts'
import type { Token } from '../rpc/authenticate.ts'
import { type CallOptions, createRpcClient, type RpcMethod } from '../rpc/client.ts'
import { type HadoopClientOptions, rpcOptions } from '../service-client.ts'
import type { Message, MessageOf } from '../wire/message.ts'
import type { ApplicationId } from './ids.ts'

export type ApplicationReport = MessageOf<typeof applicationReport>
export type SubmissionContext = MessageOf<typeof applications.applicationSubmissionContext>
export type ApplicationsQuery = MessageOf<typeof applications.getApplicationsRequest>
export type ContainerReport = NonNullable<
  MessageOf<typeof applications.getContainersResponse>['containers']
>[number]
export type AttemptReport = NonNullable<
  MessageOf<typeof applications.getApplicationAttemptsResponse>['attempts']
>[number]
export type NodeReport = NonNullable<
  MessageOf<typeof cluster.getClusterNodesResponse>['nodes']
>[number]
export type QueueInfo = NonNullable<MessageOf<typeof cluster.getQueueInfoResponse>['queueInfo']>
export type ClusterMetrics = NonNullable<
  MessageOf<typeof cluster.getClusterMetricsResponse>['metrics']
>
export type Resource = MessageOf<typeof resource>

/**
 * The ResourceManager, as one user. What is done to an application is allowed to its owner alone (with yarn.acl.enable), and so is what
 * its diagnostics say. Rejects with HadoopErrors; `remote` for what it refuses.
 */
export interface ResourceManager {
  /** An id for `submit`; nothing is kept of it. */
  newApplication(options?: CallOptions): Promise<{
    readonly applicationId: ApplicationId
    readonly maximumCapability: Resource
  }>
  /** With the id of before it changes nothing, so it may be repeated. */
  submit(context: SubmissionContext, options?: CallOptions): Promise<void>
  /** Null: it knows no such application (any more). */
  report(id: ApplicationId, options?: CallOptions): Promise<ApplicationReport | null>
  /** The applications that match everything that is given; of a list, any of it. */
  applications(
    query: ApplicationsQuery,
    options?: CallOptions,
  ): Promise<readonly ApplicationReport[]>
  /** True when it is killed (or had ended); false: it is being killed, ask again. */
  kill(id: ApplicationId, diagnostics?: string, options?: CallOptions): Promise<boolean>
  attempts(id: ApplicationId, options?: CallOptions): Promise<readonly AttemptReport[]>
  /** Containers of an attempt that run; of others only where there is a history server. */
  containers(
    id: ApplicationId,
    attempt: number,
    options?: CallOptions,
  ): Promise<readonly ContainerReport[]>
  /** Null: there is no such queue. */
  queue(name: string, options?: CallOptions): Promise<QueueInfo | null>
  /** The queues, by name, to which the user may submit. */
  queuesOfUser(options?: CallOptions): Promise<readonly string[]>
  nodes(states: readonly cluster.NodeState[], options?: CallOptions): Promise<readonly NodeReport[]>
  metrics(options?: CallOptions): Promise<ClusterMetrics>
  /** The names of all kinds of resources, such as yarn.io/gpu. */
  resourceTypes(options?: CallOptions): Promise<readonly string[]>
  /** Null where the cluster has no security. `renewer` is the user that may renew it. */
  delegationToken(renewer: string, options?: CallOptions): Promise<Token | null>
  cancelDelegationToken(token: Token, options?: CallOptions): Promise<void>
}

export interface ResourceManagerClient {
  /** As who logs in, or on behalf of somebody. */
  as(user?: string): ResourceManager
  close(): void
}

// All are Idempotent in ApplicationClientProtocol: a second submission with the same id is taken as the first.
const method = <Request, Response>(
  name: string,
  request: Message<Request>,
  response: Message<Response>,
): RpcMethod<Request, Response> => ({ name, request, response, isRepeatable: true })

const methods = {
  getNewApplication: method('getNewApplication', empty, applications.getNewApplicationResponse),
  submitApplication: method('submitApplication', applications.submitApplicationRequest, empty),
  getApplicationReport: method(
    'getApplicationReport',
    applications.getApplicationReportRequest,
    applications.getApplicationReportResponse,
  ),
  getApplications: method(
    'getApplications',
    applications.getApplicationsRequest,
    applications.getApplicationsResponse,
  ),
  forceKillApplication: method(
    'forceKillApplication',
    applications.killApplicationRequest,
    applications.killApplicationResponse,
  ),
  getApplicationAttempts: method(
    'getApplicationAttempts',
    applications.getApplicationAttemptsRequest,
    applications.getApplicationAttemptsResponse,
  ),
  getContainers: method(
    'getContainers',
    applications.getContainersRequest,
    applications.getContainersResponse,
  ),
  getQueueInfo: method('getQueueInfo', cluster.getQueueInfoRequest, cluster.getQueueInfoResponse),
  getQueueUserAcls: method('getQueueUserAcls', empty, cluster.getQueueUserAclsResponse),
  getClusterNodes: method(
    'getClusterNodes',
    cluster.getClusterNodesRequest,
    cluster.getClusterNodesResponse,
  ),
  getClusterMetrics: method('getClusterMetrics', empty, cluster.getClusterMetricsResponse),
  getResourceTypeInfo: method('getResourceTypeInfo', empty, cluster.getAllResourceTypeInfoResponse),
  getDelegationToken: method(
    'getDelegationToken',
    getDelegationTokenRequest,
    getDelegationTokenResponse,
  ),
  cancelDelegationToken: method('cancelDelegationToken', cancelDelegationTokenRequest, empty),
}

export function createResourceManagerClient(options: HadoopClientOptions): ResourceManagerClient {
  const rpc = createRpcClient({
    ...rpcOptions(options),
    what: 'the ResourceManager',
    protocol: 'org.apache.hadoop.yarn.api.ApplicationClientProtocolPB',
    servers: resourceManagers(options.configuration),
  })
  return {
    close: rpc.close,
    as(user) {
      const call = <Request, Response>(
        method: RpcMethod<Request, Response>,
        request: Request,
        given: CallOptions = {},
      ) => rpc.call(method, request, { ...given, onBehalfOf: user })
      return {
        async newApplication(given) {
          const { applicationId, maximumCapability } = await call(
            methods.getNewApplication,
            {},
            given,
          )
          const { id, clusterTimestamp } = applicationId ?? {}
          if (id === undefined || clusterTimestamp === undefined)
            throw new HadoopError('protocol', 'the ResourceManager gave no application id')
          return {
            applicationId: { id, clusterTimestamp },
            maximumCapability: maximumCapability ?? {},
          }
        },
        async submit(context, given) {
          await call(methods.submitApplication, { context }, given)
        },
        async report(id, given) {
          const known = call(methods.getApplicationReport, { applicationId: id }, given)
          return (await orNull(known, /ApplicationNotFoundException$/))?.applicationReport ?? null
        },
        async applications(query, given) {
          return (await call(methods.getApplications, query, given)).applications ?? []
        },
        async kill(id, diagnostics, given) {
          const request = { applicationId: id, diagnostics }
          return (await call(methods.forceKillApplication, request, given)).isKillCompleted ?? false
        },
        async attempts(id, given) {
          const request = { applicationId: id }
          return (await call(methods.getApplicationAttempts, request, given)).attempts ?? []
        },
        async containers(id, attempt, given) {
          const applicationAttemptId = { applicationId: id, attemptId: attempt }
          return (
            (await call(methods.getContainers, { applicationAttemptId }, given)).containers ?? []
          )
        },
        async queue(name, given) {
          const request = { queueName: name, includeApplications: false }
          return (await call(methods.getQueueInfo, request, given)).queueInfo ?? null
        },
        async queuesOfUser(given) {
          const { queueUserAcls = [] } = await call(methods.getQueueUserAcls, {}, given)
          return queueUserAcls.flatMap(({ queueName, userAcls = [] }) =>
            queueName !== undefined && userAcls.includes('SUBMIT_APPLICATIONS') ? [queueName] : [],
          )
        },
        async nodes(states, given) {
          return (await call(methods.getClusterNodes, { states }, given)).nodes ?? []
        },
        async metrics(given) {
          return (await call(methods.getClusterMetrics, {}, given)).metrics ?? {}
        },
        async resourceTypes(given) {
          const { types = [] } = await call(methods.getResourceTypeInfo, {}, given)
          return types.map(({ name }) => name)
        },
        async delegationToken(renewer, given) {
          return (await call(methods.getDelegationToken, { renewer }, given)).token ?? null
        },
        async cancelDelegationToken(token, given) {
          await call(methods.cancelDelegationToken, { token }, given)
        },
      }
    },
  }
}

/** Null in place of a refusal by a Java exception whose name matches. */
async function orNull<T>(work: Promise<T>, className: RegExp): Promise<T | null> {
  try {
    return await work
  } catch (error) {
    if (error instanceof HadoopError && className.test(error.className ?? '')) return null
    throw error
  }
}
