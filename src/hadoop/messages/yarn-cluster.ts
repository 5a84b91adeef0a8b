import { message, optional, repeated, required } from '../wire/message.ts'
import { bool, enumeration, float, int32, int64, string } from '../wire/types.ts'
import { nodeId, resource } from './yarn-common.ts'

// yarn_service_protos.proto, the calls of ApplicationClientProtocol about the cluster: its queues, nodes and kinds of resources.

export const getQueueInfoRequest = message({
  queueName: optional(1, string),
  includeApplications: optional(2, bool),
  includeChildQueues: optional(3, bool),
  recursive: optional(4, bool),
})

/** Capacities are shares of the cluster, 1 is all of it; memory is in MiB. */
export const getQueueInfoResponse = message({
  queueInfo: optional(
    1,
    message({
      queueName: optional(1, string),
      capacity: optional(2, float),
      maximumCapacity: optional(3, float),
      currentCapacity: optional(4, float),
      state: optional(5, enumeration({ STOPPED: 1, RUNNING: 2, DRAINING: 3 })),
      accessibleNodeLabels: repeated(8, string),
      defaultNodeLabelExpression: optional(9, string),
      statistics: optional(
        10,
        message({
          applicationsRunning: optional(2, int64),
          applicationsPending: optional(3, int64),
          availableMemoryMiB: optional(8, int64),
          allocatedMemoryMiB: optional(9, int64),
          pendingMemoryMiB: optional(10, int64),
        }),
      ),
      queuePath: optional(15, string),
      maximumParallelApplications: optional(16, int32),
    }),
  ),
})

export const getQueueUserAclsResponse = message({
  queueUserAcls: repeated(
    1,
    message({
      queueName: optional(1, string),
      userAcls: repeated(2, enumeration({ SUBMIT_APPLICATIONS: 1, ADMINISTER_QUEUE: 2 })),
    }),
  ),
})

export const nodeStates = {
  NEW: 1,
  RUNNING: 2,
  UNHEALTHY: 3,
  DECOMMISSIONED: 4,
  LOST: 5,
  REBOOTED: 6,
  DECOMMISSIONING: 7,
  SHUTDOWN: 8,
} as const
const nodeState = enumeration(nodeStates)
export type NodeState = keyof typeof nodeStates

export const getClusterNodesRequest = message({ states: repeated(1, nodeState) })
export const getClusterNodesResponse = message({
  nodes: repeated(
    1,
    message({
      nodeId: optional(1, nodeId),
      httpAddress: optional(2, string),
      rackName: optional(3, string),
      used: optional(4, resource),
      capability: optional(5, resource),
      containers: optional(6, int32),
      state: optional(7, nodeState),
      healthReport: optional(8, string),
      labels: repeated(10, string),
    }),
  ),
})

export const getClusterMetricsResponse = message({
  metrics: optional(
    1,
    message({
      nodeManagers: optional(1, int32),
      decommissioned: optional(2, int32),
      active: optional(3, int32),
      lost: optional(4, int32),
      unhealthy: optional(5, int32),
      rebooted: optional(6, int32),
    }),
  ),
})

export const getAllResourceTypeInfoResponse = message({
  types: repeated(1, message({ name: required(1, string), units: optional(2, string) })),
})
