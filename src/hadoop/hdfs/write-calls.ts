import * as files from '../messages/hdfs-files.ts'
import { getDataEncryptionKeyResponse } from '../messages/hdfs-keys.ts'
import { empty } from '../messages/security.ts'
import type { CallOptions, RpcMethod } from '../rpc/client.ts'
import type { Message } from '../wire/message.ts'
import type { WriteCalls } from './write-file.ts'

type Caller = <Request, Response>(
  method: RpcMethod<Request, Response>,
  request: Request,
  options?: CallOptions,
) => Promise<Response>

const method = <Request, Response>(
  name: string,
  request: Message<Request>,
  response: Message<Response>,
): RpcMethod<Request, Response> => ({ name, request, response, isRepeatable: true })

// Idempotent in ClientProtocol, but for create, which is AtMostOnce.
const methods = {
  getServerDefaults: method('getServerDefaults', empty, files.getServerDefaultsResponse),
  getDataEncryptionKey: method('getDataEncryptionKey', empty, getDataEncryptionKeyResponse),
  create: method('create', files.createRequest, files.createResponse),
  addBlock: method('addBlock', files.addBlockRequest, files.addBlockResponse),
  abandonBlock: method('abandonBlock', files.abandonBlockRequest, empty),
  complete: method('complete', files.completeRequest, files.resultResponse),
  renewLease: method('renewLease', files.renewLeaseRequest, empty),
}

/** The calls of `writeFile`, as one user. */
export function writeCalls(call: Caller, options: CallOptions | undefined): WriteCalls {
  return {
    serverDefaults: async () => (await call(methods.getServerDefaults, {}, options)).defaults,
    encryptionKey: async () => (await call(methods.getDataEncryptionKey, {}, options)).key,
    create: async (request) => (await call(methods.create, request, options)).status?.fileId,
    addBlock: async (request) => (await call(methods.addBlock, request, options)).block,
    async abandonBlock(request) {
      await call(methods.abandonBlock, request, options)
    },
    complete: async (request) => (await call(methods.complete, request, options)).result,
    async renewLease(clientName) {
      await call(methods.renewLease, { clientName }, options)
    },
  }
}
