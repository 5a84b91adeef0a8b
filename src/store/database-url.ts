import { resolve } from 'node:path'
import { GatewayError } from '../core/index.ts'

export type DatabaseUrl =
  | { readonly kind: 'memory' }
  /** `path` is absolute. */
  | { readonly kind: 'file'; readonly path: string }

/**
 * Reads `DBBackendBase.db_url`. The forms are SQLAlchemy's, because existing configurations use them: three slashes and
 * a relative path, four and an absolute one, nothing or `:memory:` for a database in memory.
 */
export function parseDatabaseUrl(url: string, workingDirectory: string): DatabaseUrl {
  const match = /^([a-z][a-z0-9]*)(?:\+[a-z0-9_]+)?:\/\/(.*)$/is.exec(url.trim())
  const scheme = match?.[1]?.toLowerCase()
  const rest = match?.[2] ?? ''
  if (scheme === 'postgresql' || scheme === 'postgres')
    throw wrong('names a PostgreSQL database, which is not built yet. Use sqlite:///PATH')
  if (scheme !== 'sqlite')
    throw wrong(
      `must begin with sqlite:///${scheme === undefined ? '' : `; "${scheme}" is not a known kind of database`}`,
    )
  if (rest === '' || rest === '/:memory:') return { kind: 'memory' }
  if (!rest.startsWith('/'))
    throw wrong('has a host. An sqlite URL has three slashes and a path, as in sqlite:///x.sqlite')
  if (rest.includes('?') || rest.includes('#') || rest.includes('\0'))
    throw wrong('has a "?", a "#" or a zero byte after the path. Options in the URL are not known')
  const path = rest.slice(1)
  if (path === '' || path.endsWith('/'))
    throw wrong('names a directory. Give the path of a file, as in sqlite:///x.sqlite')
  return { kind: 'file', path: resolve(workingDirectory, path) }
}

/** The URL itself is not shown: a PostgreSQL one may hold a password. */
function wrong(why: string): GatewayError {
  return new GatewayError('configuration', `DBBackendBase.db_url ${why}.`)
}
