import { extname } from 'node:path'

/** How a configuration file is read; by its name, and what has no other name is Python. */
export function fileKind(path: string): 'python' | 'json' | 'module' {
  const extension = extname(path).toLowerCase()
  if (extension === '.json') return 'json'
  return ['.ts', '.mts', '.js', '.mjs', '.cjs'].includes(extension) ? 'module' : 'python'
}
