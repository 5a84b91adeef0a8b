import { extname, join } from 'node:path'

/** The folder of this package: two above every source, and above every bundle of `dist/`. */
export const packageFolder = join(import.meta.dirname, '../..')

/** A program of this package that runs as a process or thread of its own: `cli/managed-proxy`, in `src/` or `dist/`, as this one. */
export function programFile(name: string): string {
  return join(import.meta.dirname, '..', `${name}${extname(import.meta.filename)}`)
}
