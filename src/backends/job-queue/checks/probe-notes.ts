import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Staging } from '../../../launcher/index.ts'

/** A probe job that may be there: written down before anything is asked, so that it is taken back whatever happens to the doctor. */
export interface ProbeNote {
  readonly username: string
  readonly staging: Staging
  readonly attemptId: string
}

const folderIn = (stateDirectory: string) => join(stateDirectory, 'probes')

export async function writeNote(stateDirectory: string, note: ProbeNote): Promise<void> {
  const folder = folderIn(stateDirectory)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const path = join(folder, note.attemptId)
  await writeFile(path, JSON.stringify(note), { mode: 0o600, flag: 'wx', flush: true })
}

export async function removeNote(stateDirectory: string, { attemptId }: ProbeNote): Promise<void> {
  await rm(join(folderIn(stateDirectory), attemptId), { force: true })
}

/** Of doctors that are long gone. */
export async function oldNotes(
  stateDirectory: string,
  minAgeMs: number,
): Promise<readonly ProbeNote[]> {
  const folder = folderIn(stateDirectory)
  const notes: ProbeNote[] = []
  for (const name of await readdir(folder).catch(() => [])) {
    const path = join(folder, name)
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }))
    if (Date.now() - mtimeMs < minAgeMs) continue
    const note = noteIn(await readFile(path, 'utf8').catch(() => ''))
    if (note !== null) notes.push(note)
    // Its doctor was killed while it wrote, hence before it asked for anything.
    else await rm(path, { force: true })
  }
  return notes
}

function noteIn(text: string): ProbeNote | null {
  try {
    return JSON.parse(text) as ProbeNote
  } catch {
    return null
  }
}
