import { GatewayError } from '../core/index.ts'
import { nearestName } from '../util/index.ts'

export const commands = ['serve', 'generate-config', 'check-config', 'doctor', 'proxy'] as const
export type CommandName = (typeof commands)[number]

/** What somebody typed, read but not yet understood as settings. */
export interface Arguments {
  readonly command: CommandName
  readonly help: 'none' | 'short' | 'all'
  readonly version: boolean
  readonly showConfig: 'no' | 'text' | 'json'
  /** null: the default name, which may be absent. */
  readonly configFile: string | null
  /** As typed: `--Class.setting=value`. They win over the file. */
  readonly settings: readonly string[]
  readonly python: string | null
  /** `generate-config`: the file to write. */
  readonly output: string
  readonly force: boolean
  readonly doctor: {
    readonly json: boolean
    readonly probe: boolean
    readonly noProbe: boolean
    readonly orphans: boolean
    readonly publicAddress: string | null
    readonly publicProxyAddress: string | null
    readonly user: string | null
  }
}

const flags = [
  '--help',
  '-h',
  '--help-all',
  '--version',
  '--show-config',
  '--show-config-json',
  '--debug',
  '--force',
  '--json',
  '--probe',
  '--no-probe',
  '--orphans',
]
const options = [
  '-f',
  '--config',
  '--log-level',
  '--python',
  '--output',
  '--public-address',
  '--public-proxy-address',
  '--user',
]
const belongings: { readonly [command in CommandName]?: readonly string[] } = {
  'generate-config': ['--output', '--force'],
  doctor: [
    '--json',
    '--probe',
    '--no-probe',
    '--orphans',
    '--public-address',
    '--public-proxy-address',
    '--user',
  ],
}

/** Reads the command line (without node and script). Throws 'configuration' naming what it does not know. */
export function parseArguments(argv: readonly string[]): Arguments {
  const words = [...argv]
  const first = words[0]
  const command = commands.find((each) => each === first) ?? 'serve'
  if (command === first) words.shift()
  const given = new Map<string, string>()
  const settings: string[] = []
  while (words.length > 0) {
    const word = words.shift() ?? ''
    const [name = '', inline] = splitOnce(word)
    if (flags.includes(word)) given.set(word, '')
    else if (options.includes(name)) given.set(name, inline ?? nextWord(name, words))
    else if (/^--[A-Za-z]\w*(\.\w+)+$/.test(name))
      settings.push(`${name}=${inline ?? nextWord(name, words)}`)
    else throw unknownWord(word)
  }
  for (const [owner, names] of Object.entries(belongings))
    for (const name of names)
      if (given.has(name) && command !== owner)
        throw new GatewayError('configuration', `${name} belongs to the command ${owner}`)
  const logLevel = given.has('--debug') ? 'DEBUG' : given.get('--log-level')
  const levelClass = command === 'proxy' ? 'Proxy' : 'DaskGateway'
  if (logLevel !== undefined) settings.unshift(`--${levelClass}.log_level=${logLevel}`)
  return {
    command,
    help: given.has('--help-all')
      ? 'all'
      : given.has('--help') || given.has('-h')
        ? 'short'
        : 'none',
    version: given.has('--version'),
    showConfig: given.has('--show-config-json')
      ? 'json'
      : given.has('--show-config')
        ? 'text'
        : 'no',
    configFile: given.get('-f') ?? given.get('--config') ?? null,
    settings,
    python: given.get('--python') ?? null,
    output: given.get('--output') ?? 'dask_gateway_config.py',
    force: given.has('--force'),
    doctor: {
      json: given.has('--json'),
      probe: given.has('--probe'),
      noProbe: given.has('--no-probe'),
      orphans: given.has('--orphans'),
      publicAddress: given.get('--public-address') ?? null,
      publicProxyAddress: given.get('--public-proxy-address') ?? null,
      user: given.get('--user') ?? null,
    },
  }
}

function splitOnce(word: string): [string, string | undefined] {
  const at = word.startsWith('-') ? word.indexOf('=') : -1
  return at < 0 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)]
}

function nextWord(name: string, words: string[]): string {
  const value = words.shift()
  if (value === undefined) throw new GatewayError('configuration', `${name} needs a value`)
  return value
}

function unknownWord(word: string): GatewayError {
  const near = nearestName(word, [...flags, ...options, ...commands])
  const hint = near === null ? '' : `; did you mean ${near}?`
  const what = word.startsWith('-') ? 'option' : 'command'
  return new GatewayError(
    'configuration',
    `Unknown ${what} ${JSON.stringify(word)}${hint} (see --help)`,
  )
}
