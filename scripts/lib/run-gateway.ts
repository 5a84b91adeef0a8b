// Runs the gateway for `scripts/start`: with a configuration that is made once and kept, and, when it answers, with the
// Python lines to paste. Usage: run-gateway.ts --home DIR --python FILE --server FILE [--user NAME] -- ARGUMENTS…
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { accountOf } from './account.ts'
import { keptConfiguration } from './kept-configuration.ts'
import { welcome } from './welcome.ts'

const { values, positionals } = parseArgs({
  options: {
    home: { type: 'string' },
    python: { type: 'string' },
    server: { type: 'string' },
    user: { type: 'string' },
  },
  allowPositionals: true,
})
const { home, python, server, user } = values
if (home === undefined || python === undefined || server === undefined)
  throw new Error('run-gateway.ts needs --home, --python and --server')

const account = user === undefined ? null : accountOf(user)
const configuration = keptConfiguration(join(home, 'dask_gateway_config.json'), account)
const ownFile = positionals.some((each) => isFileOption(each))
const gatewayArguments = ownFile
  ? fromHere(positionals)
  : ['-f', configuration.file, ...positionals]

// The gateway gets a session of its own: Ctrl-C then reaches only us, and it gets exactly one signal for it. Should we be
// killed, so is it, as in any crash: the next start goes on with its clusters. `setpriv` also gives it all groups of the account, which Node's own `uid` option drops.
const privileges =
  account === null
    ? []
    : [`--reuid=${account.uid}`, `--regid=${account.gid}`, '--init-groups', '--no-new-privs']
const gateway = spawn(
  'setpriv',
  [...privileges, '--pdeathsig=KILL', '--', server, ...gatewayArguments],
  {
    cwd: join(home, 'state'),
    env: environment(),
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    detached: true,
  },
)
forwardSignals(gateway)
const ended = new Promise<number>((settle) => {
  gateway.on('error', (cause) => {
    console.error(`Error: the gateway cannot be started: ${cause.message}`)
    settle(1)
  })
  gateway.on('exit', (code, signal) => settle(code ?? (signal === null ? 1 : 128)))
})
// The gateway says itself when it is ready and where: another one may hold the port. The password is known only while the
// configuration is ours.
gateway.once('message', (message: { readonly ready?: string }) => {
  if (message.ready === undefined || ownFile) return
  console.log(welcome({ url: message.ready, password: configuration.password(), python }))
})
process.exitCode = await ended

function isFileOption(argument: string): boolean {
  return /^(-f|--config$|--config=)/.test(argument)
}

/** The gateway runs in its state folder; a file named on our command line is meant from where the person stands. */
function fromHere(given: readonly string[]): string[] {
  const here = process.env.INIT_CWD ?? process.cwd()
  return given.map((each, index) => {
    if (['-f', '--config'].includes(given[index - 1] ?? '')) return resolve(here, each)
    return each.replace(/^(-f|--config=)(.+)$/, (_, option, path) => option + resolve(here, path))
  })
}

/** The first signal ends the gateway in order, a second one at once. npm repeats a Ctrl-C that we got ourselves: within half a second it is the same. */
function forwardSignals(child: ChildProcess): void {
  let lastMs = 0
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      if (Date.now() - lastMs < 500) return
      lastMs = Date.now()
      child.kill(signal)
    })
  process.on('SIGHUP', () => child.kill(process.stdout.isTTY ? 'SIGTERM' : 'SIGHUP'))
}

/** The Python environment first on PATH, so that clusters find `dask` there. Of root's environment nothing else is handed to another user's processes. */
function environment(): NodeJS.ProcessEnv {
  const bin = dirname(python ?? '')
  const virtual = { VIRTUAL_ENV: dirname(bin) }
  if (account === null) {
    const kept = Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name))
    return { ...Object.fromEntries(kept), ...virtual, PATH: `${bin}:${process.env.PATH ?? ''}` }
  }
  const wanted = ['LANG', 'LC_ALL', 'TZ', 'TERM', 'NO_COLOR'].flatMap((name) => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  const path = ['/usr/local/bin', '/usr/bin', '/bin'].filter(existsSync)
  return {
    ...Object.fromEntries(wanted),
    ...virtual,
    PATH: [bin, ...path].join(':'),
    HOME: account.home,
    USER: account.name,
    LOGNAME: account.name,
  }
}
