import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { type AuditEvent, type AuditStore, type Logger, messageOf } from '../core/index.ts'

/** A copy of the audit trail as lines of JSON, for other programs to take up. */
export interface AuditFile {
  /** Writes what the store has more than the file; what cannot be written now is written later. */
  catchUp(): Promise<void>
  /** Why the last write failed; null: it did not. */
  readonly problem: string | null
  /** Goes on in a new file when the old one was moved away. */
  reopen(): Promise<void>
  close(): Promise<void>
}

const page = 500
const retryMs = 10_000
const tailBytes = 64 * 1024
const { O_RDWR, O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants

/**
 * Opens the file, or standard output for "-". The file follows the table: it goes on after the event of its last line, so that what could not
 * be written (a full disk, a crash) comes later, as long as the table keeps it. A new file begins with what is done from now on.
 * Throws with the reason when the file cannot be used.
 */
export async function openAuditFile(
  path: string,
  store: AuditStore,
  logger: Logger,
): Promise<AuditFile> {
  const any = { before: null, user: null, cluster: null }
  const [newest] = await store.audit({ ...any, after: null, limit: 1 })
  let target = await openTarget(path)
  let last = (await target.lastId()) ?? newest?.id ?? 0
  let problem: string | null = null
  let turn: Promise<void> = Promise.resolve()
  let retry: NodeJS.Timeout | null = null

  async function copy(): Promise<void> {
    if (retry !== null) clearTimeout(retry)
    retry = null
    try {
      for (;;) {
        const events = await store.audit({ ...any, after: last, limit: page })
        if (events.length === 0) break
        await target.append(events.map(lineOf).join(''))
        last = events.at(-1)?.id ?? last
      }
      if (problem !== null) logger.warn(`The audit file ${path} (Audit.file) is written again`)
      problem = null
    } catch (error) {
      if (problem === null)
        logger.error(
          `The audit file ${path} (Audit.file) cannot be written: ${messageOf(error)}. Nothing is lost: the records have it, and it is written here when that can be.`,
        )
      problem = `${path}: ${messageOf(error)}`
      retry = setTimeout(() => void catchUp(), retryMs).unref()
    }
  }

  /** One at a time; those that ask meanwhile share the next. */
  let next: Promise<void> | null = null
  function catchUp(): Promise<void> {
    next ??= turn.then(() => {
      next = null
      turn = copy()
      return turn
    })
    return next
  }

  await catchUp()
  return {
    catchUp,
    get problem() {
      return problem
    },
    async reopen() {
      await turn
      const opened = await openTarget(path)
      await target.close()
      target = opened
      await catchUp()
    },
    async close() {
      await catchUp()
      if (retry !== null) clearTimeout(retry)
      await target.close()
    },
  }
}

function lineOf({ time, ...event }: AuditEvent): string {
  return `${JSON.stringify({ time: new Date(time).toISOString(), ...event })}\n`
}

interface Target {
  /** Of the last whole line; null: there is none. */
  lastId(): Promise<number | null>
  append(text: string): Promise<void>
  close(): Promise<void>
}

async function openTarget(path: string): Promise<Target> {
  if (path === '-') return standardOutput
  // Not blocked by a pipe that nobody reads; what is no file is refused.
  const flags = O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK
  const handle = await open(path, flags, 0o600)
  const info = await handle.stat()
  if (!info.isFile() || (info.mode & 0o022) !== 0 || info.uid !== process.getuid?.()) {
    await handle.close()
    throw new Error('it must be a file of the gateway that nobody else may write')
  }
  return {
    lastId: async () => lastIdIn(await tailOf(handle)),
    async append(text) {
      const { size } = await handle.stat()
      try {
        // A line that a crash cut short stays by itself.
        const torn = size > 0 && (await byteAt(handle, size - 1)) !== 10
        await handle.writeFile(torn ? `\n${text}` : text)
      } catch (error) {
        await handle.truncate(size).catch(() => {})
        throw error
      }
    },
    close: () => handle.close(),
  }
}

const standardOutput: Target = {
  lastId: async () => null,
  append: (text) =>
    new Promise((resolve, reject) => {
      process.stdout.write(text, (error) => (error == null ? resolve() : reject(error)))
    }),
  async close() {},
}

async function byteAt(handle: FileHandle, position: number): Promise<number | undefined> {
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, position)
  return buffer[0]
}

async function tailOf(handle: FileHandle): Promise<string> {
  const { size } = await handle.stat()
  const length = Math.min(size, tailBytes)
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, size - length)
  return buffer.toString('utf8', 0, bytesRead)
}

function lastIdIn(text: string): number | null {
  for (const line of text.split('\n').reverse()) {
    try {
      const { id } = JSON.parse(line) as { readonly id?: unknown }
      if (Number.isSafeInteger(id)) return id as number
    } catch {
      // The end of a line that was cut.
    }
  }
  return null
}
