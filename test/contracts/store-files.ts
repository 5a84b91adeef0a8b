import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Logger, Store } from '../../src/core/index.ts'
import { openStore, type StoreOptions } from '../../src/store/index.ts'

/** A directory that is removed when the test is over. */
export function temporaryDirectory(context: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'dask-gateway-test-'))
  context.after(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** Opens the store of a file with a key file beside it, unless `options` says otherwise. */
export function openFileStore(path: string, options: Partial<StoreOptions> = {}): Promise<Store> {
  return openStore({
    url: `sqlite:///${path}`,
    encryptKeys: null,
    workingDirectory: '/',
    logger: recordingLogger([]),
    debug: false,
    ...options,
  })
}

/** Keeps "level: message" of each line. */
export function recordingLogger(lines: string[]): Logger {
  const keep = (level: string) => (message: string) => void lines.push(`${level}: ${message}`)
  const logger: Logger = {
    debug: keep('debug'),
    info: keep('info'),
    warn: keep('warn'),
    error: keep('error'),
    with: () => logger,
  }
  return logger
}
