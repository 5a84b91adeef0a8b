import { open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Writes a file (0600) that is whole whenever it is read, and there to stay when this is done, whatever crashes: written aside, synced, renamed, and the
 * rename itself synced, which is of the directory (fsync(2), rename(2)). For one writer at a time of the same path.
 */
export async function replaceFile(path: string, text: string): Promise<void> {
  const aside = `${path}.new`
  {
    await using file = await open(aside, 'w', 0o600)
    await file.writeFile(text)
    await file.sync()
  }
  await rename(aside, path)
  await using directory = await open(dirname(path), 'r')
  await directory.sync()
}
