import { HadoopError } from '../errors.ts'

/** `hdfs://authority/path`, or `hdfs:///path` of the default file system; null: another kind of URL. Throws for a path that is none. */
export function readHdfsUrl(
  url: string,
): { readonly authority: string | undefined; readonly path: string } | null {
  const [, authority, path] = /^hdfs:\/\/([^/?#]*)(\/.*)$/s.exec(url) ?? []
  if (path === undefined) return null
  return { authority: authority === '' ? undefined : authority, path: checkedPath(path) }
}

/** A path as the NameNode takes it. Throws HadoopError `configuration`. */
export function checkedPath(path: string): string {
  const isRight =
    path.startsWith('/') &&
    path.length <= 8000 &&
    !path.includes('\0') &&
    !path.split('/').some((each) => each === '.' || each === '..' || each.includes(':'))
  if (!isRight)
    throw new HadoopError('configuration', `${JSON.stringify(path)} is no absolute path of HDFS`)
  return path.replace(/\/{2,}/g, '/').replace(/(?<=.)\/$/, '')
}
