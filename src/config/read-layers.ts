import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { GatewayError, type Logger } from '../core/index.ts'
import { readCommandLine } from './command-line.ts'
import { fileKind } from './file-kind.ts'
import { readJson } from './json-file.ts'
import { type Layer, TypedText } from './layer.ts'
import { readModule } from './module-file.ts'
import { readPython } from './python-file.ts'
import { defaultEvaluationLimitMs, type PythonPool } from './python-pool.ts'

/** Where a configuration comes from. */
export interface ConfigurationRequest {
  /** Files that were asked for (`-f`), in order; each must be there. */
  readonly files: readonly string[]
  /** Read when no file was asked for; it may be absent. null: none. */
  readonly defaultFile: string | null
  /** `--Class.setting=value`, as typed. */
  readonly commandLine: readonly string[]
  /** `--python`; null: DASK_GATEWAY_PYTHON, else found on PATH. */
  readonly python: string | null
  /** Gets what configurations and handlers print. */
  readonly logger: Logger
  /** How long a file may take; 60 s. */
  readonly evaluationLimitMs?: number
}

export interface ReadLayers {
  readonly layers: readonly Layer[]
  /** The files that were read. */
  readonly sources: readonly string[]
}

/** Reads every source. Python files are evaluated by `pool`; `limitMs` is asked when a handler runs; `turn` differs from one reading to the next. */
export async function readLayers(
  request: ConfigurationRequest,
  pool: PythonPool,
  limitMs: () => number,
  turn: number,
): Promise<ReadLayers> {
  const commandLine = readCommandLine(request.commandLine)
  const layers: Layer[] = []
  const sources: string[] = []
  for (const { path, text } of await wantedFiles(request, commandLine)) {
    const kind = fileKind(path)
    if (kind === 'json') layers.push(readJson(path, text, limitMs))
    else if (kind === 'module')
      layers.push(
        await readModule(
          path,
          request.evaluationLimitMs ?? defaultEvaluationLimitMs,
          limitMs,
          turn,
        ),
      )
    else layers.push(await readPython(path, pool, request.logger, limitMs))
    sources.push(path)
  }
  return { layers: [...layers, commandLine], sources }
}

interface FoundFile {
  readonly path: string
  readonly text: string
}

async function wantedFiles(
  request: ConfigurationRequest,
  commandLine: Layer,
): Promise<readonly FoundFile[]> {
  const named = commandLine.assignments.findLast(
    (each) => each.className === 'DaskGateway' && each.setting === 'config_file',
  )?.value
  const files =
    request.files.length === 0 && named instanceof TypedText ? [named.text] : request.files
  if (files.length > 0) return Promise.all(files.map(explicitFile))
  if (request.defaultFile === null) return []
  const path = resolve(request.defaultFile)
  try {
    return [{ path, text: await readFile(path, 'utf8') }]
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return []
    throw unreadable(path, error)
  }
}

async function explicitFile(name: string): Promise<FoundFile> {
  const path = resolve(name)
  try {
    return { path, text: await readFile(path, 'utf8') }
  } catch (error) {
    throw unreadable(path, error)
  }
}

function unreadable(path: string, error: unknown): GatewayError {
  const why: { readonly [code: string]: string } = {
    ENOENT: 'it does not exist. Give the right path with -f, or write one with generate-config',
    EACCES: "the gateway's user may not read it",
    EISDIR: 'it is a directory; give the file in it',
  }
  const code = codeOf(error)
  return new GatewayError(
    'configuration',
    `The configuration file ${path} cannot be read: ${why[code] ?? code}`,
    { cause: error },
  )
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}
