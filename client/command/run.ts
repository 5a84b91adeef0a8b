import { parseArgs } from 'node:util'
import { type GatewayClient, GatewayError } from '../src/index.ts'
import { commandOf, commands, commonOptions } from './commands.ts'
import { candidates } from './complete.ts'
import { type Command, type CommandOption, textOf, type Values } from './context.ts'
import { exitCodeOf, exitCodes, UsageError } from './exit-codes.ts'
import { findAddress } from './find-address.ts'
import { commandHelp, helpText, usageOf } from './help.ts'
import { createOutput, type Output, type Streams } from './output.ts'
import { safeJson } from './safe-text.ts'
import { clientOf, loginsPath, readLogins } from './saved-logins.ts'

export interface Call extends Streams {
  /** Without the program. */
  readonly words: readonly string[]
  readonly environment: NodeJS.ProcessEnv
  /** Aborts at Ctrl-C. */
  readonly signal: AbortSignal
  readonly version: string
}

/** Runs one call of the command and resolves with its exit status; never throws. */
export async function run(call: Call): Promise<number> {
  const { words, environment, signal } = call
  const output = createOutput(call, words.includes('--json'))
  try {
    if (words[0] === '__complete') return await complete(call)
    if (words[0] === '--version') {
      output.line(`dask-gateway ${call.version}`)
      return exitCodes.done
    }
    const { command, rest } = commandIn(words)
    if (command === null) {
      output.text(helpText())
      return words.length === 0 ? exitCodes.usage : exitCodes.done
    }
    const { values, operands } = parsed(command, rest)
    if (values.help === true) {
      output.text(commandHelp(command))
      return exitCodes.done
    }
    checkOperands(command, operands)
    const gateway = () => gatewayOf(textOf(values, 'address'), environment)
    const status = await command.run({ operands, values, output, signal, gateway, environment })
    return status ?? exitCodes.done
  } catch (error) {
    output.endProgress()
    if (signal.aborted) return exitCodes.interrupted
    tell(output, call, error)
    return exitCodeOf(error)
  }
}

/** null: the help is asked for. */
function commandIn(words: readonly string[]): { command: Command | null; rest: readonly string[] } {
  const [first, second] = words
  if (first === undefined || first === '--help' || first === '-h' || first === 'help')
    return { command: null, rest: [] }
  const command = commandOf(words)
  if (command !== null) return { command, rest: words.slice(command.name.split(' ').length) }
  const isGroup = commands.some(({ name }) => name.startsWith(`${first} `))
  const given = isGroup && second !== undefined ? `${first} ${second}` : first
  throw new UsageError(`There is no command "${given}"; dask-gateway --help lists them`)
}

function parsed(
  command: Command,
  rest: readonly string[],
): { readonly values: Values; readonly operands: readonly string[] } {
  const options = Object.fromEntries(
    Object.entries({ ...command.options, ...commonOptions }).map(([name, option]) => [
      name,
      declared(option),
    ]),
  )
  try {
    const { values, positionals } = parseArgs({ args: [...rest], options, allowPositionals: true })
    return { values: values as Values, operands: positionals }
  } catch (error) {
    const [sentence = ''] = (error as Error).message.split('. To specify')
    throw new UsageError(`${sentence}; see dask-gateway ${command.name} --help`)
  }
}

function declared({ type, short, multiple }: CommandOption) {
  return { type, ...(short === undefined ? {} : { short }), ...(multiple ? { multiple } : {}) }
}

function checkOperands(command: Command, operands: readonly string[]): void {
  const takesMore = command.operands.at(-1)?.endsWith('…') === true
  const isRight = takesMore
    ? operands.length >= command.operands.length
    : operands.length === command.operands.length
  if (!isRight) throw new UsageError(`Usage: dask-gateway ${usageOf(command)}`)
}

async function gatewayOf(
  given: string | undefined,
  environment: NodeJS.ProcessEnv,
): Promise<GatewayClient> {
  const { current, logins } = await readLogins(loginsPath(environment))
  const address = findAddress(given, current, environment)
  return clientOf(address, logins[address])
}

async function complete(call: Call): Promise<number> {
  const gateway = () => gatewayOf(undefined, call.environment)
  const found = await candidates(call.words.slice(1), gateway).catch(() => [])
  call.stdout.write(
    found
      .filter((word) => /^[\x21-\x7e]+$/.test(word))
      .map((word) => `${word}\n`)
      .join(''),
  )
  return exitCodes.done
}

function tell(output: Output, call: Call, error: unknown): void {
  const code =
    error instanceof GatewayError ? error.code : error instanceof UsageError ? 'usage' : 'failed'
  const sentence = error instanceof Error ? error.message : String(error)
  const isTicket = sentence.includes('kinit')
  const hint = code === 'unauthenticated' && !isTicket ? '; log in: dask-gateway login' : ''
  if (output.isJson) call.stderr.write(`${safeJson({ error: sentence, code })}\n`)
  else output.notice(`dask-gateway: ${sentence}${hint}`)
}
