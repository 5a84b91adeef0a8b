import { message, optional, required } from '../wire/message.ts'
import { bytes, int64, string } from '../wire/types.ts'

// Security.proto, hadoop-common 3.4.3: tokens, the same for YARN and HDFS. A token is a secret: identifier and password together
// let anybody act as its owner.

export const token = message({
  identifier: required(1, bytes),
  password: required(2, bytes),
  kind: required(3, string),
  service: required(4, string),
})

export const getDelegationTokenRequest = message({ renewer: required(1, string) })
/** No token where the cluster has no security. */
export const getDelegationTokenResponse = message({ token: optional(1, token) })

export const renewDelegationTokenRequest = message({ token: required(1, token) })
export const renewDelegationTokenResponse = message({ newExpiryTime: required(1, int64) })

export const cancelDelegationTokenRequest = message({ token: required(1, token) })
export const empty = message({})
