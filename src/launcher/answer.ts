import { failureReply, LauncherFailure } from './failure.ts'
import { findCommand } from './find-command.ts'
import { type Identity, ownIdentity } from './identity.ts'
import { type LauncherLimits, readLimits } from './launcher-limits.ts'
import { parseRequest } from './parse-request.ts'
import type { Commands, Reply, Request, Usable, VersionReply, VersionRequest } from './protocol.ts'
import { cancel, status } from './queue-verbs.ts'
import { checkRoot, stagingRoot } from './staging.ts'
import { claim, clean, log } from './staging-verbs.ts'
import { submit } from './submit.ts'

/** For whom and within what a request is answered. */
export interface Answering {
  readonly identity: Identity
  readonly limits: LauncherLimits | null
  /** The package's, asked for only when a request wants it. */
  readonly version: () => string
}

/** The reply to one request, whatever it holds. Reads nothing for whom it refuses. `argv`: what the launcher was called with, which must be nothing. */
export async function answer(
  readText: () => Promise<string>,
  argv: readonly string[],
  version: () => string,
): Promise<Reply> {
  try {
    const identity = ownIdentity()
    // Files that it makes, and those of commands that it runs, are for nobody else.
    process.umask(0o077)
    if (argv.length > 0)
      throw new LauncherFailure(
        'request',
        'The launcher takes no arguments; a request is JSON on its standard input',
      )
    const request = parseRequest(await readText())
    return await answerRequest(request, { identity, limits: readLimits(), version })
  } catch (error) {
    return failureReply(error)
  }
}

function answerRequest(request: Request, answering: Answering): Promise<Reply> | Reply {
  switch (request.verb) {
    case 'version':
      return versionOf(request, answering)
    case 'submit':
      return submit(request, answering)
    case 'cancel':
      return cancel(request, answering)
    case 'status':
      return status(request, answering)
    case 'log':
      return log(request, answering)
    case 'clean':
      return clean(request, answering)
    case 'claim':
      return claim(request, answering)
  }
}

function versionOf(
  request: VersionRequest,
  { identity, limits, version }: Answering,
): VersionReply {
  const { manager, stagingRoot: template } = request
  const command = (kind: keyof Commands, queue: 'slurm' | 'pbs') =>
    usable(() => findCommand(kind, queue, request.commands, limits))
  return {
    ok: true,
    version: version(),
    user: identity.name,
    uid: identity.uid,
    home: identity.home,
    limited: limits !== null,
    ...(manager && {
      commands: {
        submit: command('submit', manager),
        cancel: command('cancel', manager),
        status: command('status', manager),
      },
    }),
    ...(template !== undefined && {
      stagingRoot: usable(() => {
        const path = stagingRoot(template, identity, limits)
        checkRoot(path, identity)
        return path
      }),
    }),
  }
}

function usable(find: () => string): Usable {
  try {
    return { usable: true, path: find() }
  } catch (error) {
    if (!(error instanceof LauncherFailure)) throw error
    return { usable: false, error: error.message }
  }
}
