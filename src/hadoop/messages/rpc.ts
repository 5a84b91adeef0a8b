import { message, optional, repeated, required } from '../wire/message.ts'
import { bytes, enumeration, int32, int64, sint, string } from '../wire/types.ts'

// Hadoop RPC, version 9 (RpcHeader.proto, IpcConnectionContext.proto, ProtobufRpcEngine2.proto, hadoop-common 3.4.3).
//
//     connection := "hrpc", 9, service class (0), auth protocol (0: none, 0xdf: SASL), frame…
//     frame      := uint32 length (high byte first), payload
//     payload    := delimited RpcRequestHeader, then
//                   a call's:        delimited RequestHeader, delimited request
//                   call id -3:      delimited IpcConnectionContext   (once, before the first call; answered only if refused)
//                   call id -33:     delimited RpcSasl                (before the context; or WRAP around a whole frame, later)
//     answer     := uint32 length, delimited RpcResponseHeader, then with status SUCCESS the delimited response or RpcSasl
//
// Answers come in any order; the call id tells whose they are.

export const connectionContextCallId = -3
export const saslCallId = -33

export const rpcRequestHeader = message({
  rpcKind: required(1, enumeration({ RPC_PROTOCOL_BUFFER: 2 })),
  rpcOp: required(2, enumeration({ RPC_FINAL_PACKET: 0 })),
  callId: required(3, sint),
  clientId: required(4, bytes),
  retryCount: optional(5, sint),
})

export const requestHeader = message({
  methodName: required(1, string),
  declaringClassProtocolName: required(2, string),
  clientProtocolVersion: required(3, int64),
})

export const rpcResponseHeader = message({
  // uint32, in which the negative ids of above come as large numbers: the same bits.
  callId: required(1, int32),
  status: required(2, enumeration({ SUCCESS: 0, ERROR: 1, FATAL: 2 })),
  exceptionClassName: optional(4, string),
  errorMsg: optional(5, string),
  errorDetail: optional(6, int32),
})

/** errorDetail FATAL_UNAUTHORIZED. */
export const unauthorizedDetail = 15

export const ipcConnectionContext = message({
  userInfo: optional(
    2,
    message({ effectiveUser: optional(1, string), realUser: optional(2, string) }),
  ),
  protocol: optional(3, string),
})

export const saslAuth = message({
  method: required(1, string),
  mechanism: required(2, string),
  protocol: optional(3, string),
  serverId: optional(4, string),
  challenge: optional(5, bytes),
})

export const rpcSasl = message({
  version: optional(1, int32),
  state: required(
    2,
    enumeration({ SUCCESS: 0, NEGOTIATE: 1, INITIATE: 2, CHALLENGE: 3, RESPONSE: 4, WRAP: 5 }),
  ),
  token: optional(3, bytes),
  auths: repeated(4, saslAuth),
})
