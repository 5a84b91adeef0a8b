import { programFile } from '../util/index.ts'

/** How the gateway's proxy is started. What a connection leaves behind is collected soon: by default it may grow to 48 MB first. */
export const proxyCommand: readonly string[] = [
  process.execPath,
  '--max-semi-space-size=2',
  programFile('cli/managed-proxy'),
]
