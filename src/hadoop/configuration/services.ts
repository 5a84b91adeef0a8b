import { HadoopError } from '../errors.ts'
import type { ExpectedServer } from '../rpc/service-principal.ts'
import type { Protection } from '../sasl/protection.ts'
import type { Configuration } from './configuration.ts'

const managerPorts = {
  clients: { property: 'yarn.resourcemanager.address', port: 8032 },
  applicationMasters: { property: 'yarn.resourcemanager.scheduler.address', port: 8030 },
  administrators: { property: 'yarn.resourcemanager.admin.address', port: 8033 },
} as const

/** The ResourceManagers, one, or those of which one is active: where they speak with whom. */
export function resourceManagers(
  configuration: Configuration,
  to: keyof typeof managerPorts = 'clients',
): readonly ExpectedServer[] {
  const { property, port } = managerPorts[to]
  const host = 'yarn.resourcemanager.hostname'
  return resourceManagerIds(configuration).map((id) => {
    const names = [property, host]
    const own = id === null ? [] : names.map((name) => `${name}.${id}`)
    const address = [...own, ...names].map(configuration.get).find((each) => each !== undefined)
    const server = expected(configuration, address ?? '', port, 'yarn.resourcemanager.principal')
    return id === null ? server : { ...server, id }
  })
}

/** Null: the one that has no id. */
function resourceManagerIds(configuration: Configuration): readonly (string | null)[] {
  const ids = configuration.flag('yarn.resourcemanager.ha.enabled')
    ? configuration.list('yarn.resourcemanager.ha.rm-ids')
    : []
  return ids.length > 0 ? ids : [null]
}

/** An HDFS: the NameNodes that serve it, and the name that its tokens and URLs go by. */
export interface FileSystemAddress {
  /** host[:port], or the name of a service with several NameNodes. */
  readonly authority: string
  readonly isHighlyAvailable: boolean
  readonly servers: readonly ExpectedServer[]
}

/** The names, in URLs, of those with several NameNodes. */
export function fileSystemsWithSpares(configuration: Configuration): readonly string[] {
  return configuration
    .list('dfs.nameservices')
    .filter((name) => configuration.list(`dfs.ha.namenodes.${name}`).length > 1)
}

/** Of `hdfs://authority/…`; without an authority that of fs.defaultFS. */
export function nameNodes(configuration: Configuration, authority?: string): FileSystemAddress {
  const name = authority || defaultAuthority(configuration)
  const at = (address: string) =>
    expected(configuration, address, 8020, 'dfs.namenode.kerberos.principal')
  if (!configuration.list('dfs.nameservices').includes(name))
    return { authority: name, isHighlyAvailable: false, servers: [at(name)] }
  const ids = configuration.list(`dfs.ha.namenodes.${name}`)
  const configured = (suffix: string) => {
    const property = `dfs.namenode.rpc-address.${suffix}`
    const address = configuration.get(property)
    if (address === undefined)
      throw new HadoopError('configuration', `${property} is not set (${configuration.folder})`)
    return at(address)
  }
  const servers =
    ids.length > 0 ? ids.map((id) => ({ ...configured(`${name}.${id}`), id })) : [configured(name)]
  return { authority: name, isHighlyAvailable: ids.length > 1, servers }
}

function defaultAuthority(configuration: Configuration): string {
  const url = configuration.get('fs.defaultFS') ?? ''
  const [, authority] = /^hdfs:\/\/([^/?#]+)\/?$/.exec(url) ?? []
  if (authority === undefined)
    throw new HadoopError(
      'configuration',
      `fs.defaultFS (${configuration.folder}) is ${url}, which is no HDFS`,
    )
  return authority
}

/** Whether the cluster wants to know who its clients are. */
export function isSecure(configuration: Configuration): boolean {
  return configuration.get('hadoop.security.authentication')?.toLowerCase() === 'kerberos'
}

/** What hadoop.rpc.protection and dfs.data.transfer.protection say, in their order. Empty: it is not set. */
export function protectionsOf(
  configuration: Configuration,
  property: 'hadoop.rpc.protection' | 'dfs.data.transfer.protection',
): readonly Protection[] {
  return configuration.list(property).map((word) => {
    const lower = word.toLowerCase()
    if (lower === 'authentication' || lower === 'integrity' || lower === 'privacy') return lower
    throw new HadoopError(
      'configuration',
      `${property} (${configuration.folder}) says ${word}; it must be authentication, integrity or privacy`,
    )
  })
}

function expected(
  configuration: Configuration,
  address: string,
  defaultPort: number,
  property: string,
): ExpectedServer {
  const [, host, , port] =
    /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(:([0-9]{1,5}))?$/.exec(address) ?? []
  if (host === undefined)
    throw new HadoopError(
      'configuration',
      `${JSON.stringify(address)} (${configuration.folder}) is no host:port`,
    )
  return {
    host: host.replace(/^\[|\]$/g, ''),
    port: port === undefined ? defaultPort : Number(port),
    property,
    principal: configuration.get(property),
    pattern: configuration.get(`${property}.pattern`),
  }
}
