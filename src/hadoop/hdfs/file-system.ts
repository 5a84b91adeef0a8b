import { randomBytes } from 'node:crypto'
import { lookup } from 'node:dns/promises'
import {
  type FileSystemAddress,
  isSecure,
  nameNodes,
  protectionsOf,
} from '../configuration/services.ts'
import { HadoopError } from '../errors.ts'
import type { fileStatus } from '../messages/hdfs-common.ts'
import * as files from '../messages/hdfs-files.ts'
import {
  cancelDelegationTokenRequest,
  empty,
  getDelegationTokenRequest,
  getDelegationTokenResponse,
  renewDelegationTokenRequest,
  renewDelegationTokenResponse,
} from '../messages/security.ts'
import type { Token } from '../rpc/authenticate.ts'
import { type CallOptions, createRpcClient, type RpcMethod } from '../rpc/client.ts'
import { type HadoopClientOptions, rpcOptions } from '../service-client.ts'
import type { Message, MessageOf } from '../wire/message.ts'
import { checkedPath } from './path.ts'
import { writeCalls } from './write-calls.ts'
import { writeFile } from './write-file.ts'

export type FileStatus = MessageOf<typeof fileStatus>

/** An HDFS, as one user. Paths are absolute. Rejects with HadoopErrors; `remote` for what the NameNode refuses. */
export interface FileSystem {
  /** Null: there is no such file. */
  status(path: string, options?: CallOptions): Promise<FileStatus | null>
  /** With the directories above it. `mode` as in chmod, less what the NameNode's umask takes off. */
  makeDirectory(path: string, mode: number, options?: CallOptions): Promise<void>
  setPermission(path: string, mode: number, options?: CallOptions): Promise<void>
  /** With all that is below. False: there was none. */
  remove(path: string, options?: CallOptions): Promise<boolean>
  /**
   * Writes a file in place of what is there: first under a name of its own beside it, so that nobody sees half of it. Its directory must be
   * there. The limit of each call applies to the NameNode's alone; DataNodes are given up after a minute of silence.
   */
  write(
    path: string,
    bytes: AsyncIterable<Uint8Array>,
    mode: number,
    options?: CallOptions,
  ): Promise<FileStatus>
  /** In place of what is at `to`. */
  rename(from: string, to: string, options?: CallOptions): Promise<void>
  /**
   * Null where the cluster has no security. `renewer` is the user that may renew it: the ResourceManager's, for a token that is to
   * live as long as an application. Its service is set, as Hadoop's clients find it by that.
   */
  delegationToken(renewer: string, options?: CallOptions): Promise<Token | null>
  /** When it ends now, ms. Only by the renewer. */
  renewDelegationToken(token: Token, options?: CallOptions): Promise<number>
  cancelDelegationToken(token: Token, options?: CallOptions): Promise<void>
}

export interface FileSystemClient {
  readonly address: FileSystemAddress
  as(user?: string): FileSystem
  close(): void
}

const method = <Request, Response>(
  name: string,
  request: Message<Request>,
  response: Message<Response>,
): RpcMethod<Request, Response> => ({ name, request, response, isRepeatable: true })

// Idempotent in ClientProtocol, but for delete and rename2, which are AtMostOnce: the NameNode knows a repeated call by its id.
const methods = {
  getFileInfo: method('getFileInfo', files.getFileInfoRequest, files.getFileInfoResponse),
  mkdirs: method('mkdirs', files.mkdirsRequest, files.resultResponse),
  setPermission: method('setPermission', files.setPermissionRequest, empty),
  delete: method('delete', files.deleteRequest, files.resultResponse),
  rename2: method('rename2', files.rename2Request, empty),
  getDelegationToken: method(
    'getDelegationToken',
    getDelegationTokenRequest,
    getDelegationTokenResponse,
  ),
  renewDelegationToken: method(
    'renewDelegationToken',
    renewDelegationTokenRequest,
    renewDelegationTokenResponse,
  ),
  cancelDelegationToken: method('cancelDelegationToken', cancelDelegationTokenRequest, empty),
}

/** `authority` as in hdfs://authority/path; the default file system's when absent. */
export function createFileSystemClient(
  options: HadoopClientOptions & { readonly authority?: string | undefined },
): FileSystemClient {
  const { configuration } = options
  const address = nameNodes(configuration, options.authority)
  const rpc = createRpcClient({
    ...rpcOptions(options),
    what: `the NameNode of ${address.authority}`,
    protocol: 'org.apache.hadoop.hdfs.protocol.ClientProtocol',
    servers: address.servers,
  })
  const transferOptions = {
    isSecure: isSecure(configuration),
    protections: protectionsOf(configuration, 'dfs.data.transfer.protection'),
    byHostName: configuration.flag('dfs.client.use.datanode.hostname'),
    silenceLimitMs: 60_000,
  }
  return {
    address,
    close: rpc.close,
    as(user) {
      const call = <Request, Response>(
        method: RpcMethod<Request, Response>,
        request: Request,
        given: CallOptions = {},
      ) => rpc.call(method, request, { ...given, onBehalfOf: user })
      return {
        async status(path, given) {
          const { status } = await call(methods.getFileInfo, { src: checkedPath(path) }, given)
          return status ?? null
        },
        async makeDirectory(path, mode, given) {
          const request = { src: checkedPath(path), permission: { mode }, createParent: true }
          const { result } = await call(methods.mkdirs, request, given)
          if (!result) throw new HadoopError('remote', `the directory ${path} could not be made`)
        },
        async setPermission(path, mode, given) {
          const request = { src: checkedPath(path), permission: { mode } }
          await call(methods.setPermission, request, given)
        },
        async remove(path, given) {
          const request = { src: checkedPath(path), recursive: true }
          return (await call(methods.delete, request, given)).result
        },
        async write(path, bytes, mode, given) {
          const target = checkedPath(path)
          const draft = `${target}.${randomBytes(6).toString('hex')}._COPYING_`
          try {
            await writeFile(writeCalls(call, given), bytes, {
              ...transferOptions,
              path: draft,
              mode,
              signal: given?.signal,
            })
            await this.rename(draft, target, given)
          } catch (error) {
            await this.remove(draft).catch(() => undefined)
            throw error
          }
          const status = await this.status(target, given)
          if (status === null) throw new HadoopError('remote', `${target} was removed at once`)
          return status
        },
        async rename(from, to, given) {
          const request = {
            src: checkedPath(from),
            destination: checkedPath(to),
            overwrite: true,
          }
          await call(methods.rename2, request, given)
        },
        async delegationToken(renewer, given) {
          const { token } = await call(methods.getDelegationToken, { renewer }, given)
          if (token === undefined) return null
          const byAddress = configuration.flag('hadoop.security.token.service.use_ip')
          return { ...token, service: await tokenService(address, byAddress) }
        },
        async renewDelegationToken(token, given) {
          return (await call(methods.renewDelegationToken, { token }, given)).newExpiryTime
        },
        async cancelDelegationToken(token, given) {
          await call(methods.cancelDelegationToken, { token }, given)
        },
      }
    },
  }
}

/** As Hadoop's clients look for the token of a file system (SecurityUtil.buildTokenService, HAUtilClient.buildTokenServiceForLogicalUri). */
async function tokenService(address: FileSystemAddress, byAddress: boolean): Promise<string> {
  if (address.isHighlyAvailable) return `ha-hdfs:${address.authority}`
  const [server] = address.servers
  if (server === undefined) throw new HadoopError('configuration', 'there is no NameNode')
  if (!byAddress) return `${server.host.toLowerCase()}:${server.port}`
  return `${(await lookup(server.host, { family: 4 })).address}:${server.port}`
}
