import type { Command } from '../../core/index.ts'
import { shellQuoted } from '../../util/index.ts'

/** Whose old command this is, which something else may stand in for; null: it is another command. */
export function oldCommandOf(command: Command): 'scheduler' | 'worker' | null {
  const [, role] = /(?:^|\/)dask-(scheduler|worker)$/.exec(partsOf(command).program) ?? []
  return role === 'scheduler' || role === 'worker' ? role : null
}

/**
 * The lines of bash that run a command with more `arguments` (an array of the shell) to its end. A list is exactly its arguments; a string is
 * shell text, so that `~/`, `$VAR` and `a && b` mean what they mean.
 *
 * `dask-scheduler` and `dask-worker` are no longer installed by Dask, but still named in guides: where one does not
 * exist, `dask scheduler` and `dask worker` stand in for it. `note`: a file that is made to say so.
 */
export function commandLines(command: Command, note: string | null = null): string[] {
  const { rest } = partsOf(command)
  const role = oldCommandOf(command)
  if (role === null) {
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
    `    told="$program does not exist; $dask ${role} runs instead"`,
    '    echo "dask-gateway: $told"',
    // Of many jobs that share the file, the first makes it; the setup may have said `set -e`.
    ...(note === null ? [] : [`    (set -C; echo "$told" >${shellQuoted(note)}) 2>/dev/null || :`]),
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
