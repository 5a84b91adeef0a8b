import { posix } from 'node:path'
import type { Cluster, SecretPaths } from '../../core/index.ts'
import type { Staging } from '../../launcher/index.ts'
import type { Account } from '../account.ts'

/** Names of the files with a cluster's secrets in its staging directory. */
export const secretFiles: SecretPaths = { token: 'token', cert: 'dask.crt', key: 'dask.pem' }

export function stagingOf(
  cluster: Pick<Cluster, 'name' | 'settings'>,
  { home, name }: Account,
): Staging {
  const { staging_directory } = cluster.settings
  const template =
    typeof staging_directory === 'string' ? staging_directory : '{home}/.dask-gateway'
  const root = template.replaceAll('{home}', home).replaceAll('{username}', name)
  return { root: posix.normalize(root).replace(/(?<=.)\/$/, ''), cluster: cluster.name }
}

/** Its path on every node, where these share it. */
export function stagingPath({ root, cluster }: Staging): string {
  return posix.join(root, cluster)
}

export function secretTexts(cluster: Cluster): { readonly [name: string]: string } {
  const { token, cert, key } = secretFiles
  return { [token]: cluster.token, [cert]: cluster.tlsCert, [key]: cluster.tlsKey }
}
