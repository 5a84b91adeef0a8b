import { lstatSync, mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** sun_path of unix(7) has 108 bytes, the closing zero included. */
const maxPathBytes = 107

/**
 * Where a unix socket `name` of this instance lies: in its state directory, or, where that path is too long for a socket, in a
 * short directory of the same user. The directory is made (0700) when missing; one of somebody else's is refused.
 */
export function socketPathIn(
  stateDirectory: string,
  instanceId: string,
  name = 'gateway.sock',
): string {
  const direct = join(stateDirectory, name)
  if (Buffer.byteLength(direct) <= maxPathBytes) {
    makePrivateDirectory(stateDirectory)
    return direct
  }
  const directory = `dask-gateway-${instanceId.replace(/[^\w-]/g, '').slice(0, 16)}`
  const bases = [process.env.XDG_RUNTIME_DIR, tmpdir(), '/tmp'].filter((base) => base !== undefined)
  for (const base of bases) {
    const path = join(base, directory, name)
    if (!base.startsWith('/') || Buffer.byteLength(path) > maxPathBytes) continue
    makePrivateDirectory(join(base, directory))
    return path
  }
  throw new Error(`No directory is short enough for a unix socket: ${bases.join(', ')}`)
}

function makePrivateDirectory(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 })
  const stats = lstatSync(path)
  if (!stats.isDirectory() || stats.uid !== process.geteuid?.())
    throw new Error(`${path} must be a directory of the user who runs the gateway`)
  if ((stats.mode & 0o077) !== 0)
    throw new Error(`${path} must be open to its user alone; run: chmod 700 ${path}`)
}
