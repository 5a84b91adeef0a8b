import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Commands, commandFolders, commandNames, type Manager } from '../../launcher/index.ts'

/** The commands as they are set; one that is not and that the launcher would not find, as it is on the gateway's own PATH. */
export function findCommands(
  set: { readonly [kind in keyof Commands]: string | null },
  manager: Manager,
  path = process.env.PATH ?? '',
): Commands {
  const commands: { -readonly [kind in keyof Commands]: string } = {}
  for (const kind of ['submit', 'cancel', 'status'] as const) {
    const found = set[kind] ?? onPath(commandNames[manager][kind], path)
    if (found !== null) commands[kind] = found
  }
  return commands
}

function onPath(name: string, path: string): string | null {
  const isIn = (folder: string) => existsSync(join(folder, name))
  if (commandFolders.some(isIn)) return null
  const folder = path.split(':').find((each) => each.startsWith('/') && isIn(each))
  return folder === undefined ? null : join(folder, name)
}
