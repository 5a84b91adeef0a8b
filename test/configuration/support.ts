import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import {
  type Configuration,
  type ConfigurationRequest,
  loadConfiguration,
} from '../../src/config/index.ts'
import type { Logger, User } from '../../src/core/index.ts'

export const root = join(import.meta.dirname, '../..')
export const alice: User = { name: 'alice', groups: ['staff'], admin: false }

/** A logger that keeps its lines. */
export function listeningLogger(): { readonly logger: Logger; readonly lines: string[] } {
  const lines: string[] = []
  const write = (message: string) => void lines.push(message)
  const logger: Logger = {
    debug: write,
    info: write,
    warn: write,
    error: write,
    with: () => logger,
  }
  return { logger, lines }
}

/** A directory for the time of the test. */
export function temporaryDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'gateway-configuration-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** Writes a configuration file, and gives its path. */
export function written(t: TestContext, text: string, name = 'dask_gateway_config.py'): string {
  const path = join(temporaryDirectory(t), name)
  writeFileSync(path, text)
  return path
}

export async function load(
  t: TestContext,
  file: string | null,
  more: Partial<ConfigurationRequest> = {},
): Promise<Configuration> {
  const configuration = await loadConfiguration({
    files: file === null ? [] : [file],
    defaultFile: null,
    commandLine: [],
    python: null,
    logger: listeningLogger().logger,
    ...more,
  })
  t.after(() => configuration.close())
  return configuration
}

export async function loadText(
  t: TestContext,
  text: string,
  more: Partial<ConfigurationRequest> = {},
): Promise<Configuration> {
  return load(t, written(t, text), more)
}

/** The value that a source gave to a setting. */
export function given(configuration: Configuration, className: string, setting: string): unknown {
  return configuration.assignments.get(className)?.get(setting)?.value
}
