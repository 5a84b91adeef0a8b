import { nameNodes, resourceManagers } from './configuration/services.ts'
import { HadoopError, messageOf } from './errors.ts'
import { type HaState, haServiceStateResponse, serviceStatusResponse } from './messages/ha.ts'
import { empty } from './messages/security.ts'
import { getClusterMetricsResponse } from './messages/yarn-cluster.ts'
import { createRpcClient } from './rpc/client.ts'
import type { ExpectedServer } from './rpc/service-principal.ts'
import { type HadoopClientOptions, rpcOptions } from './service-client.ts'
import type { Message } from './wire/message.ts'

/** One of several servers of which one is active. */
export interface ServiceState extends Told {
  /** Its name in the configuration. */
  readonly id: string
  /** host:port where it was asked; of an active one, where its clients find it. */
  readonly place: string
}

interface Told {
  /** `unknown`: it answers, but does not tell; `unreachable`: it does not answer, or is not who it should be. */
  readonly state: 'active' | 'standby' | 'observer' | 'initializing' | 'unknown' | 'unreachable'
  /** Why it is not known. */
  readonly reason: string | null
}

/** For one question to one server, at most: who looks at all of them does not want to wait long for those that are away. */
const longestMs = 3_000

/** Each of several ResourceManagers; none where there is but one. All are asked at once. */
export async function resourceManagerStates(
  options: HadoopClientOptions,
): Promise<readonly ServiceState[]> {
  const administrators = resourceManagers(options.configuration, 'administrators')
  const servers = resourceManagers(options.configuration).map((clients, index) => {
    return { clients, admin: administrators[index] ?? clients }
  })
  return await Promise.all(
    servers.flatMap(({ clients, admin }) =>
      clients.id === undefined ? [] : [stateOfManager(options, clients.id, clients, admin)],
    ),
  )
}

/** Each of several NameNodes of `hdfs://authority/…`, or of the default file system; none where there is but one. */
export async function nameNodeStates(
  options: HadoopClientOptions,
  authority?: string,
): Promise<readonly ServiceState[]> {
  const { servers } = nameNodes(options.configuration, authority)
  return await Promise.all(
    servers.flatMap((server) => {
      const { id } = server
      if (id === undefined) return []
      return [
        ask(options, server, haState).then((told) => ({ id, place: placeOf(server), ...told })),
      ]
    }),
  )
}

async function stateOfManager(
  options: HadoopClientOptions,
  id: string,
  clients: ExpectedServer,
  admin: ExpectedServer,
): Promise<ServiceState> {
  const told = await ask(options, admin, serviceStatus)
  // Its administrators' port may be closed to us, by its list of them or by a firewall; but only an active one serves clients.
  const isActive =
    told.state === 'active' ||
    (told.reason !== null && (await ask(options, clients, metrics)).state === 'active')
  return isActive
    ? { id, place: placeOf(clients), state: 'active', reason: null }
    : { id, place: placeOf(admin), ...told }
}

/** A method without arguments, and what its answer tells. */
interface Question<Response> {
  readonly protocol: string
  readonly name: string
  readonly response: Message<Response>
  readonly read: (response: Response) => HaState | undefined
}

const serviceStatus: Question<{ readonly state?: HaState | undefined }> = {
  protocol: 'org.apache.hadoop.ha.HAServiceProtocol',
  name: 'getServiceStatus',
  response: serviceStatusResponse,
  read: ({ state }) => state,
}
const haState: typeof serviceStatus = {
  protocol: 'org.apache.hadoop.hdfs.protocol.ClientProtocol',
  name: 'getHAServiceState',
  response: haServiceStateResponse,
  read: ({ state }) => state,
}
const metrics: Question<unknown> = {
  protocol: 'org.apache.hadoop.yarn.api.ApplicationClientProtocolPB',
  name: 'getClusterMetrics',
  response: getClusterMetricsResponse,
  read: () => 'ACTIVE',
}

const states = {
  ACTIVE: 'active',
  STANDBY: 'standby',
  OBSERVER: 'observer',
  INITIALIZING: 'initializing',
} as const

async function ask<Response>(
  options: HadoopClientOptions,
  server: ExpectedServer,
  { protocol, name, response, read }: Question<Response>,
): Promise<Told> {
  const place = placeOf(server)
  const limitMs = Math.min(longestMs, options.limitMs ?? longestMs)
  const rpc = createRpcClient({
    ...rpcOptions(options),
    ...{ what: place, protocol, servers: [server], limitMs, serverLimitMs: limitMs },
  })
  try {
    const method = { name, request: empty, response, isRepeatable: true }
    const state = read(await rpc.call(method, {}))
    return state === undefined
      ? { state: 'unknown', reason: 'it names a state that is not known here' }
      : { state: states[state], reason: null }
  } catch (error) {
    if (!(error instanceof HadoopError)) throw error
    // The last of several tries, without what was tried.
    const words = messageOf(error.cause instanceof HadoopError ? error.cause : error)
    const reason = words.startsWith(place) ? words.slice(place.length).replace(/^:?\s+/, '') : words
    return { state: error.className === undefined ? 'unreachable' : 'unknown', reason }
  } finally {
    rpc.close()
  }
}

const placeOf = ({ host, port }: ExpectedServer) => `${host}:${port}`
