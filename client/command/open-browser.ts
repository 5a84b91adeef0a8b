import { spawn } from 'node:child_process'
import { delimiter } from 'node:path'
import { GatewayError } from '../src/index.ts'

/** One that has not ended by then shows the page: some stay until their window is closed. */
const patienceMs = 3000

/**
 * Opens a URL in the person's browser: the first of BROWSER that can be started (the custom of Debian's sensible-browser and of Python's
 * webbrowser: commands with colons between them, `%s` for the URL), else xdg-open. The URL is one argument, and no shell sees it. Throws
 * 'unexpected' when none would.
 */
export async function openBrowser(url: string, environment: NodeJS.ProcessEnv): Promise<void> {
  const tried: string[] = []
  for (const command of commandsOf(url, environment.BROWSER)) {
    const why = await started(command, environment)
    if (why === null) return
    tried.push(`${command[0]} ${why}`)
  }
  throw new GatewayError('unexpected', `No browser could be opened: ${tried.join(', ')}`)
}

function commandsOf(url: string, browser = ''): readonly (readonly string[])[] {
  const named = browser
    .split(delimiter)
    .map((text) => text.trim().split(/\s+/))
    .filter(([program]) => program !== '')
    .map((words) =>
      words.some((word) => word.includes('%s'))
        ? words.map((word) => word.replaceAll('%s', () => url))
        : [...words, url],
    )
  return named.length > 0 ? named : [['xdg-open', url]]
}

/** Resolves with null when it runs or has done its work, else with what went wrong. */
function started(
  [program = '', ...words]: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<string | null> {
  return new Promise((resolve) => {
    // In a session of its own: Ctrl-C is not for it, and it outlives us.
    const child = spawn(program, words, { env, detached: true, stdio: 'ignore' })
    const timer = setTimeout(() => {
      child.unref()
      resolve(null)
    }, patienceMs)
    const done = (why: string | null) => {
      clearTimeout(timer)
      resolve(why)
    }
    child.on('error', (error: NodeJS.ErrnoException) =>
      done(error.code === 'ENOENT' ? 'does not exist' : `cannot be started (${error.code})`),
    )
    child.on('exit', (code, signal) =>
      done(code === 0 ? null : `ended with ${signal ?? `exit status ${code}`}`),
    )
  })
}
