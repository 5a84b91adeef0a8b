import { open } from 'node:fs/promises'
import { basename, posix } from 'node:path'
import { GatewayError, messageOf } from '../../core/index.ts'
import {
  type FileStatus,
  HadoopError,
  isSecure,
  type LaunchContext,
  readHdfsUrl,
  type Token,
} from '../../hadoop/index.ts'
import type { HadoopPlace } from './hadoop-place.ts'
import { type LocalizedFile, sourceTextOf } from './settings.ts'

export type LocalResources = NonNullable<LaunchContext['localResources']>

/** What a container gets of files. */
export interface Localized {
  readonly resources: LocalResources
  /** With which the NodeManagers, and the cluster itself, read HDFS, by alias. */
  readonly tokens: ReadonlyMap<string, Token>
}

/** A file that is not there, or cannot be read by the user: the start is refused with these words. */
export class FileRefused extends Error {}

const maximumFiles = 100

/** Files for a cluster's containers, looked at as its user; those of this machine are first written to the user's home in HDFS. */
export async function localize(
  place: HadoopPlace,
  files: { readonly [name: string]: LocalizedFile },
  cluster: { readonly name: string; readonly username: string },
  signal: AbortSignal,
): Promise<Localized> {
  const entries = Object.entries(files)
  if (entries.length > maximumFiles)
    throw new FileRefused(`localize_files has more than ${maximumFiles} files`)
  const resources = await Promise.all(
    entries.map(async ([name, file]) => {
      const given = typeof file === 'string' ? { source: file } : file
      const where = `localize_files: ${name}`
      if (name === '.' || name === '..' || name.includes('/'))
        throw new FileRefused(`${where} must be a plain name of a file`)
      try {
        const at = await sourceOf(place, name, given.source, cluster, signal)
        return { key: name, value: resourceOf(place, at, given) }
      } catch (cause) {
        if (isNoAnswer(cause)) throw new GatewayError('upstream', messageOf(cause), { cause })
        throw new FileRefused(`${where}: ${messageOf(cause)}`, { cause })
      }
    }),
  )
  const tokens = await tokensFor(place, authoritiesOf(place, files), cluster.username, signal)
  return { resources, tokens }
}

/** The file systems that a cluster's containers need tokens for, as in hdfs://authority/…; undefined: the default one. */
export function authoritiesOf(
  place: HadoopPlace,
  files: { readonly [name: string]: LocalizedFile },
): ReadonlySet<string | undefined> {
  const all = Object.values(files).map((file) => readHdfsUrl(sourceTextOf(file))?.authority)
  return new Set(hasDefaultHdfs(place) ? [...all, undefined] : all)
}

/** Removes what was written to HDFS for a cluster. */
export async function removeUploads(
  place: HadoopPlace,
  cluster: { readonly name: string; readonly username: string },
  signal: AbortSignal,
): Promise<void> {
  await place.fileSystem(undefined).as(cluster.username).remove(uploadFolder(cluster), { signal })
}

interface Source {
  readonly authority: string | undefined
  readonly path: string
  readonly status: FileStatus
}

async function sourceOf(
  place: HadoopPlace,
  name: string,
  source: string,
  cluster: { readonly name: string; readonly username: string },
  signal: AbortSignal,
): Promise<Source> {
  const url = readHdfsUrl(source)
  if (url === null) return await upload(place, name, source, cluster, signal)
  const status = await place
    .fileSystem(url.authority)
    .as(cluster.username)
    .status(url.path, { signal })
  if (status === null) throw new FileRefused(`there is no ${source}`)
  if (status.fileType !== 'IS_FILE') throw new FileRefused(`${source} is no file`)
  return { ...url, status }
}

async function upload(
  place: HadoopPlace,
  name: string,
  source: string,
  cluster: { readonly name: string; readonly username: string },
  signal: AbortSignal,
): Promise<Source> {
  const path = /^(?:file:\/\/)?(\/.*)$/s.exec(source)?.[1]
  if (path === undefined)
    throw new FileRefused(`${source} is neither an absolute path of the gateway's nor hdfs://…`)
  const space = place.fileSystem(undefined).as(cluster.username)
  const folder = uploadFolder(cluster)
  const home = `/user/${cluster.username}`
  if ((await space.status(home, { signal })) === null)
    throw new FileRefused(
      `there is no home of ${cluster.username} in HDFS, below which files of the gateway's machine are put (an administrator makes it: hdfs dfs -mkdir ${home}, hdfs dfs -chown ${cluster.username} ${home})`,
    )
  await space.makeDirectory(folder, 0o700, { signal })
  const target = posix.join(folder, `${name}-${basename(path)}`)
  await using file = await open(path)
  const status = await space.write(target, file.createReadStream({ autoClose: false }), 0o600, {
    signal,
  })
  return { authority: undefined, path: target, status }
}

const uploadFolder = ({ name, username }: { readonly name: string; readonly username: string }) =>
  `/user/${username}/.dask-gateway/${name}`

function resourceOf(
  place: HadoopPlace,
  { authority, path, status }: Source,
  given: Exclude<LocalizedFile, string>,
): LocalResources[number]['value'] {
  const { address } = place.fileSystem(authority)
  const [, host = '', , port] = /^(\[[^\]]*\]|[^:]*)(:(\d+))?$/.exec(address.authority) ?? []
  const isArchive = /\.(zip|tar|tgz|tar\.gz|tar\.bz2|tbz2|jar)$/i.test(path)
  const type = given.type === undefined || given.type === 'INFER' ? null : given.type
  return {
    // A name of several NameNodes has no port.
    resource: {
      ...{ scheme: 'hdfs', host, file: path },
      ...(address.isHighlyAvailable ? {} : { port: port === undefined ? 8020 : Number(port) }),
    },
    size: given.size ?? status.length,
    timestamp: given.timestamp ?? status.modificationTime,
    type: type ?? (isArchive ? 'ARCHIVE' : 'FILE'),
    visibility: given.visibility ?? 'APPLICATION',
  }
}

/** By alias; none where the cluster has no security. */
export async function tokensFor(
  place: HadoopPlace,
  authorities: ReadonlySet<string | undefined>,
  username: string,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Token>> {
  const tokens = new Map<string, Token>()
  if (!isSecure(place.configuration)) return tokens
  const principal = place.configuration.get('yarn.resourcemanager.principal') ?? 'yarn'
  const renewer = /^[^/@]*/.exec(principal)?.[0] || 'yarn'
  for (const authority of authorities) {
    const space = place.fileSystem(authority).as(username)
    const token = await space.delegationToken(renewer, { signal })
    if (token !== null) tokens.set(token.service, token)
  }
  return tokens
}

function hasDefaultHdfs({ configuration }: HadoopPlace): boolean {
  return configuration.get('fs.defaultFS')?.startsWith('hdfs://') ?? false
}

function isNoAnswer(error: unknown): boolean {
  return (
    error instanceof HadoopError && !['remote', 'configuration', 'security'].includes(error.code)
  )
}
