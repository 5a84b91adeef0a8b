import { message, optional, repeated, required } from '../wire/message.ts'
import { bytes, enumeration, int32, int64, string } from '../wire/types.ts'
import { token } from './security.ts'

// yarn_protos.proto, hadoop-yarn-api 3.4.3: the nouns that several calls share.

export const applicationId = message({
  id: optional(1, int32),
  clusterTimestamp: optional(2, int64),
})

export const applicationAttemptId = message({
  applicationId: optional(1, applicationId),
  attemptId: optional(2, int32),
})

/** id: the number of the RM's restart (epoch) << 40 | number. */
export const containerId = message({
  applicationId: optional(1, applicationId),
  applicationAttemptId: optional(2, applicationAttemptId),
  id: optional(3, int64),
})

/** Resources beside memory and cores go by their names, as yarn.io/gpu. */
export const resource = message({
  memoryMiB: optional(1, int64),
  virtualCores: optional(2, int32),
  others: repeated(
    3,
    message({
      key: required(1, string),
      value: optional(2, int64),
      units: optional(3, string),
    }),
  ),
})

export const priority = message({ priority: optional(1, int32) })
export const nodeId = message({ host: optional(1, string), port: optional(2, int32) })
export const stringPair = message({ key: optional(1, string), value: optional(2, string) })
export const bytesPair = message({ key: optional(1, string), value: optional(2, bytes) })

export const applicationStates = {
  NEW: 1,
  NEW_SAVING: 2,
  SUBMITTED: 3,
  ACCEPTED: 4,
  RUNNING: 5,
  FINISHED: 6,
  FAILED: 7,
  KILLED: 8,
} as const
export const applicationState = enumeration(applicationStates)
export type ApplicationState = keyof typeof applicationStates

export const finalStatus = enumeration({
  APP_UNDEFINED: 0,
  APP_SUCCEEDED: 1,
  APP_FAILED: 2,
  APP_KILLED: 3,
  APP_ENDED: 4,
})

/** A file for a container; `size` and `timestamp` (ms) are compared with the file's when it is fetched. */
export const localResource = message({
  resource: optional(
    1,
    message({
      scheme: optional(1, string),
      host: optional(2, string),
      port: optional(3, int32),
      file: optional(4, string),
      userInfo: optional(5, string),
    }),
  ),
  size: optional(2, int64),
  timestamp: optional(3, int64),
  type: optional(4, enumeration({ ARCHIVE: 1, FILE: 2, PATTERN: 3 })),
  visibility: optional(5, enumeration({ PUBLIC: 1, PRIVATE: 2, APPLICATION: 3 })),
  pattern: optional(6, string),
})

/** What starts in a container. `tokens` is the blob of `encodeCredentials`; commands are joined and run by bash, `<LOG_DIR>` expanded. */
export const containerLaunchContext = message({
  localResources: repeated(
    1,
    message({ key: optional(1, string), value: optional(2, localResource) }),
  ),
  tokens: optional(2, bytes),
  serviceData: repeated(3, bytesPair),
  environment: repeated(4, stringPair),
  command: repeated(5, string),
  applicationAcls: repeated(
    6,
    message({
      accessType: optional(1, enumeration({ VIEW_APP: 1, MODIFY_APP: 2 })),
      acl: optional(2, string),
    }),
  ),
})

export const applicationReport = message({
  applicationId: optional(1, applicationId),
  user: optional(2, string),
  queue: optional(3, string),
  name: optional(4, string),
  host: optional(5, string),
  rpcPort: optional(6, int32),
  state: optional(8, applicationState),
  trackingUrl: optional(9, string),
  diagnostics: optional(10, string),
  startTime: optional(11, int64),
  finishTime: optional(12, int64),
  finalStatus: optional(13, finalStatus),
  currentAttemptId: optional(16, applicationAttemptId),
  applicationType: optional(18, string),
  /** Only of an unmanaged application that waits for its master, and only for its owner. */
  amRmToken: optional(19, token),
  tags: repeated(20, string),
  priority: optional(23, priority),
  launchTime: optional(27, int64),
  submitTime: optional(28, int64),
})
