import { message, optional, required } from '../wire/message.ts'
import { bytes, int32, int64, string } from '../wire/types.ts'

// ClientNamenodeProtocol.proto, getDataEncryptionKey: what logs in to all DataNodes where dfs.encrypt.data.transfer is on.

export const getDataEncryptionKeyResponse = message({
  key: optional(
    1,
    message({
      keyId: required(1, int32),
      blockPoolId: required(2, string),
      nonce: required(3, bytes),
      encryptionKey: required(4, bytes),
      expiryDate: required(5, int64),
    }),
  ),
})
