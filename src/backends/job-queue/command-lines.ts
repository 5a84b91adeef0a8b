import type { Command } from '../../core/index.ts'
import { shellQuoted } from '../../util/index.ts'

/**
 * The lines of bash that run a command with more `arguments` (an array of the shell) to its end. A list is exactly its arguments; a string is
 * shell text, so that `~/`, `$VAR` and `a && b` mean what they mean.
 *
 * `dask-scheduler` and `dask-worker` are no longer installed by Dask, but still named in guides: where one does not
 * exist, `dask scheduler` and `dask worker` stand in for it.
 */
export function commandLines(command: Command): string[] {
  const { program, rest } = partsOf(command)
  const role = /(?:^|\/)dask-(scheduler|worker)$/.exec(program)?.[1]
  if (role === undefined) {
    const text = typeof command === 'string' ? command : command.map(shellQuoted).join(' ')
    return [`${text} "\${arguments[@]}"`]
  }
  return [
    `program=${programOf(command)}`,
    'command=("$program")',
    'if ! type -P -- "$program" >/dev/null; then',
    '  case "$program" in */*) beside=$(dirname -- "$program")/dask ;; *) beside=dask ;; esac',
    '  for dask in "$beside" dask; do',
    '    type -P -- "$dask" >/dev/null || continue',
    `    echo "dask-gateway: $program does not exist; $dask ${role} runs instead"`,
    `    command=("$dask" ${role})`,
    '    break',
    '  done',
    'fi',
    `"\${command[@]}"${rest} "\${arguments[@]}"`,
  ]
}

/** The program of a command, as shell text; empty: it is more than one plain word. */
export function programOf(command: Command): string {
  const { program } = partsOf(command)
  return typeof command === 'string' ? program : shellQuoted(program)
}

/** The program, and what follows it as shell text. No program: shell text that is more than one plain word in front. */
function partsOf(command: Command): { readonly program: string; readonly rest: string } {
  if (typeof command !== 'string') {
    const [program = '', ...words] = command
    return { program, rest: words.map((word) => ` ${shellQuoted(word)}`).join('') }
  }
  const [, program = '', rest = ''] = /^\s*([\w./~${}-]+)((?:[ \t].*)?)$/s.exec(command) ?? []
  return { program, rest }
}
