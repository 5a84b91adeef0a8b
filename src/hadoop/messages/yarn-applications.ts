import { message, optional, repeated } from '../wire/message.ts'
import { bool, enumeration, int32, int64, string } from '../wire/types.ts'
import {
  applicationAttemptId,
  applicationId,
  applicationReport,
  applicationState,
  containerId,
  containerLaunchContext,
  nodeId,
  priority,
  resource,
  stringPair,
} from './yarn-common.ts'

// yarn_service_protos.proto, the calls of ApplicationClientProtocol about applications.
//
//     getNewApplication       → an id and the largest container
//     submitApplication       → nothing; once more with the same id it changes nothing
//     getApplicationReport    → the report
//     getApplications         → the reports of those that match all that is given; lists match any of theirs
//     forceKillApplication    → whether it is killed already; to be asked until it is
//     getApplicationAttempts, getContainers → what an application ran in

export const getNewApplicationResponse = message({
  applicationId: optional(1, applicationId),
  maximumCapability: optional(2, resource),
})

export const applicationSubmissionContext = message({
  applicationId: optional(1, applicationId),
  applicationName: optional(2, string),
  queue: optional(3, string),
  priority: optional(4, priority),
  /** Always to be sent, empty at least. */
  amContainerSpec: optional(5, containerLaunchContext),
  cancelTokensWhenComplete: optional(6, bool),
  unmanagedAm: optional(7, bool),
  /** 0: as the ResourceManager is set. */
  maxAppAttempts: optional(8, int32),
  resource: optional(9, resource),
  applicationType: optional(10, string),
  keepContainersAcrossAttempts: optional(11, bool),
  tags: repeated(12, string),
  nodeLabelExpression: optional(16, string),
  timeouts: repeated(
    18,
    message({
      type: optional(1, enumeration({ LIFETIME: 1 })),
      timeoutSeconds: optional(2, int64),
    }),
  ),
  schedulingProperties: repeated(19, stringPair),
})

export const submitApplicationRequest = message({
  context: optional(1, applicationSubmissionContext),
})

export const getApplicationReportRequest = message({ applicationId: optional(1, applicationId) })
export const getApplicationReportResponse = message({
  applicationReport: optional(1, applicationReport),
})

export const getApplicationsRequest = message({
  types: repeated(1, string),
  states: repeated(2, applicationState),
  users: repeated(3, string),
  queues: repeated(4, string),
  limit: optional(5, int64),
  tags: repeated(10, string),
  name: optional(12, string),
})
export const getApplicationsResponse = message({ applications: repeated(1, applicationReport) })

export const killApplicationRequest = message({
  applicationId: optional(1, applicationId),
  diagnostics: optional(2, string),
})
export const killApplicationResponse = message({ isKillCompleted: optional(1, bool) })

export const getApplicationAttemptsRequest = message({ applicationId: optional(1, applicationId) })
export const getApplicationAttemptsResponse = message({
  attempts: repeated(
    1,
    message({
      applicationAttemptId: optional(1, applicationAttemptId),
      host: optional(2, string),
      diagnostics: optional(5, string),
      amContainerId: optional(7, containerId),
      startTime: optional(9, int64),
      finishTime: optional(10, int64),
    }),
  ),
})

export const getContainersRequest = message({
  applicationAttemptId: optional(1, applicationAttemptId),
})
export const getContainersResponse = message({
  containers: repeated(
    1,
    message({
      containerId: optional(1, containerId),
      resource: optional(2, resource),
      nodeId: optional(3, nodeId),
      creationTime: optional(5, int64),
      finishTime: optional(6, int64),
      diagnostics: optional(7, string),
      logUrl: optional(8, string),
      exitStatus: optional(9, int32),
      state: optional(10, enumeration({ NEW: 1, RUNNING: 2, COMPLETE: 3 })),
      nodeHttpAddress: optional(11, string),
    }),
  ),
})
