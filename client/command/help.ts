import { commands, commonOptions } from './commands.ts'
import type { Command, CommandOption } from './context.ts'

export function helpText(): string {
  const lines = commands.map((command) => [usageOf(command), command.summary] as const)
  return `Usage: dask-gateway COMMAND [OPTION…]

${columns(lines)}
With every command:
${columns(Object.entries(commonOptions).map(optionLine))}
A cluster may be named by the first digits of its name. The gateway is that of --address, of DASK_GATEWAY_ADDRESS,
of the last login, or of ~/.config/dask/gateway.yaml. Exit status: 0 done, 1 failed, 2 wrong call, 3 not allowed,
4 not found, 5 refused, 6 the gateway cannot be reached or is not well.
`
}

export function commandHelp(command: Command): string {
  const options = Object.entries({ ...command.options, ...commonOptions }).map(optionLine)
  return `Usage: dask-gateway ${usageOf(command)} [OPTION…]

${command.summary}

${columns(options)}`
}

export function usageOf({ name, operands }: Command): string {
  return [name, ...operands].join(' ')
}

function optionLine([name, { short, value, help }]: [string, CommandOption]): readonly [
  string,
  string,
] {
  return [
    `${short === undefined ? '    ' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`,
    help,
  ]
}

function columns(lines: readonly (readonly [string, string])[]): string {
  const width = Math.max(...lines.map(([left]) => left.length))
  return lines.map(([left, right]) => `  ${left.padEnd(width)}  ${right}\n`).join('')
}
