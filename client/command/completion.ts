import type { Command } from './context.ts'
import { UsageError } from './exit-codes.ts'

// Each asks the command itself (`dask-gateway __complete WORDS…`), which prints one candidate a line.
const scripts: { readonly [shell: string]: string } = {
  bash: `_dask_gateway() {
  local IFS=$'\\n'
  COMPREPLY=($(compgen -W "$(dask-gateway __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _dask_gateway dask-gateway
`,
  zsh: `#compdef dask-gateway
_dask_gateway() {
  local -a candidates
  candidates=("\${(@f)$(dask-gateway __complete "\${(@)words[2,$CURRENT]}" 2>/dev/null)}")
  compadd -a candidates
}
compdef _dask_gateway dask-gateway
`,
  fish: `complete -c dask-gateway -f -a '(dask-gateway __complete (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'
`,
}

export const completionCommand: Command = {
  name: 'completion',
  operands: ['SHELL'],
  summary: 'print what makes bash, zsh or fish complete this command',
  options: {},
  async run({ operands, output }) {
    const script = scripts[operands[0] ?? '']
    if (script === undefined)
      throw new UsageError(`There is completion for ${Object.keys(scripts).join(', ')}`)
    output.text(script)
    return undefined
  },
}
