import { accessSync, constants, statSync } from 'node:fs'
import { basename } from 'node:path'
import { LauncherFailure, systemWords } from './failure.ts'
import type { LauncherLimits } from './launcher-limits.ts'
import { type Commands, commandFolders, commandNames, type Manager } from './protocol.ts'
import { distrust } from './trusted-path.ts'

/** All that the launcher ever runs. */
export const allCommandNames: readonly string[] = Object.values(commandNames).flatMap((commands) =>
  Object.values(commands),
)

/**
 * The path to run. What root has written down is root's word; anything else must have the command's name, and neither it nor
 * any directory above it may be in other hands than root's, or whoever has them would run what he likes as the user.
 */
export function findCommand(
  kind: keyof Commands,
  manager: Manager,
  asked: Commands | undefined,
  limits: LauncherLimits | null,
): string {
  const name = commandNames[manager][kind]
  const path = asked?.[kind]
  if (limits?.commands !== undefined) {
    const allowed = limits.commands[name]
    if (allowed === undefined) throw refuse(`launcher.json allows no ${name}`)
    if (path !== undefined && path !== allowed)
      throw refuse(`launcher.json allows ${allowed}, not ${path}`)
    return runnable(allowed)
  }
  const found = path ?? commandFolders.map((folder) => `${folder}/${name}`).find(isThere)
  if (found === undefined)
    throw missing(
      `${name} is in none of ${commandFolders.join(', ')}; set its path in the gateway's configuration`,
    )
  if (basename(found) !== name || !found.startsWith('/') || found.includes('/../'))
    throw refuse(`${found} is not called ${name}; only launcher.json can allow that`)
  const fault = distrust(found)
  if (fault !== null)
    throw missing(
      `${name} is not run, as it must be root's, with all above it: ${fault}. If this is meant, root can allow it in launcher.json`,
    )
  return runnable(found)
}

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined
}

function runnable(path: string): string {
  try {
    accessSync(path, constants.X_OK)
    if (!statSync(path).isFile()) throw new Error('it is no file')
    return path
  } catch (error) {
    throw missing(`${path} cannot be run: ${systemWords(error)}`)
  }
}

const missing = (message: string) => new LauncherFailure('command', message)
const refuse = (message: string) => new LauncherFailure('refused', message)
