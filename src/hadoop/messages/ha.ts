import { message, optional } from '../wire/message.ts'
import { bool, enumeration, string } from '../wire/types.ts'

// Of several servers, which one is active. Two services tell it, each by a method without arguments:
//
//     HAServiceProtocol.proto, getServiceStatus: a ResourceManager, at its administrators' port, to those of yarn.admin.acl. Its
//         clients' port is closed while it stands by.
//     ClientNamenodeProtocol.proto, getHAServiceState: a NameNode, at its clients' port, to everybody.

const haStates = { INITIALIZING: 0, ACTIVE: 1, STANDBY: 2, OBSERVER: 3 } as const
export type HaState = keyof typeof haStates

/** Required in the schema; here it is absent when it is one that a newer Hadoop has. */
const state = optional(1, enumeration(haStates))

export const serviceStatusResponse = message({
  state,
  readyToBecomeActive: optional(2, bool),
  notReadyReason: optional(3, string),
})

export const haServiceStateResponse = message({ state })
