import {
  allowInSudo,
  configure,
  guideSudoers,
  installPackage,
  lendPython,
  as as runAsUser,
  startGateway,
} from './job-queue-tree.ts'

// What the guide for job queues has an administrator do, on a machine of its own with the accounts dask, alice and bob.

/** Software, rights and configuration, and for alice a miniconda with a `dask` but no `dask-scheduler`: `python`'s environment. */
export function installByGuide(configuration: string, python: string): void {
  installPackage()
  allowInSudo(guideSudoers)
  configure(configuration)
  lendPython('alice', python)
}

/** The gateway, as the guide's script starts it. `log`: what it has said. */
export async function startByGuide() {
  const child = await startGateway()
  return { child, log: child.text }
}

/** Runs a command to its end as an ordinary user; what it said. */
export function as(user: string, argv: readonly string[]): string {
  return runAsUser(user, ...argv)
}
