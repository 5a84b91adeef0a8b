import { execFile } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { type Finding, type FindingWith, failed, ok, warning } from '../../../core/index.ts'
import { distrust, type VersionReply } from '../../../launcher/index.ts'
import type { Account } from '../../account.ts'
import type { CallLauncher } from '../launcher-call.ts'

/** Whether nobody but root can change what acts as the users: the launcher, its package and its Node. */
export async function checkLauncher(launcher: string): Promise<Finding> {
  if (!existsSync(launcher))
    return failed(
      `The launcher ${launcher} does not exist`,
      'Install the package there, or set c.JobQueueBackend.dask_gateway_jobqueue_launcher.',
    )
  for (const path of partsOf(launcher)) {
    const fault = distrust(path)
    if (fault !== null)
      return failed(
        `${launcher} acts as every user, and others than root could change what it does: ${fault}`,
        `Give it, the package and every directory above them to root, for nobody else to write: chown root:root, chmod go-w.`,
      )
  }
  return ok(`${launcher} is root's, with its package and every directory above`)
}

/** As bin/dask-gateway-jobqueue-launcher finds them. */
function partsOf(launcher: string): readonly string[] {
  const home = dirname(dirname(realpathSync(launcher)))
  const nodes: string[] = []
  for (let above = home; nodes.length === 0; above = dirname(above)) {
    const node = join(above, `node_modules/node-linux-${process.arch}/bin/node`)
    if (existsSync(node)) nodes.push(node)
    if (above === '/') break
  }
  return [launcher, ...[join(home, 'dist/cli/launcher.js')].filter(existsSync), ...nodes]
}

export interface SudoTrial {
  readonly call: CallLauncher
  readonly launcher: string
  readonly account: Account
  readonly request: Parameters<CallLauncher>[1] & { readonly verb: 'version' }
  /** Of the gateway's package. */
  readonly version: string
}

/** Whether sudo lets this account act as that user: by doing it. */
export async function checkSudo(
  { call, launcher, account, request, version }: SudoTrial,
  signal: AbortSignal,
): Promise<Finding | FindingWith<VersionReply>> {
  const facts = await call<'version'>(account, request, signal)
  if (!facts.ok) {
    if (facts.code === 'refused' && facts.error.includes('sudo'))
      return await sudoRefused(facts.error, launcher, account.name)
    return failed(facts.error, 'See docs/launcher.md, "When it does not work".')
  }
  const asWhom = `sudo lets the launcher act as ${facts.user}`
  if (process.getuid?.() === 0)
    return {
      finding: warning(
        `${asWhom}, but root asked, to whom sudo allows everything`,
        "Run this as the gateway's account.",
      ),
      facts,
    }
  if (facts.version !== version)
    return {
      finding: warning(
        `${asWhom}, but it is of version ${facts.version}, and the gateway of ${version}`,
        'Install both from one package, or set c.JobQueueBackend.dask_gateway_jobqueue_launcher.',
      ),
      facts,
    }
  const limited = facts.limited ? ', within /etc/dask-gateway/launcher.json' : ''
  return { finding: ok(`${asWhom} (uid ${facts.uid})${limited}`), facts }
}

/** What sudo would allow instead, in its own words, for the administrator to compare. */
async function sudoRefused(words: string, launcher: string, user: string): Promise<Finding> {
  const [rules, groups] = await Promise.all([rulesOfSudo(), groupsOf(user)])
  const details = [
    ...rules.map((rule) => `sudo allows this account: ${rule}`),
    `${user} is in the groups ${groups}`,
  ]
  const named = rules.some((rule) => rule.includes(launcher))
  const advice = named
    ? `There is a rule for this launcher, but not for ${user}: add the user to the group that it names, usermod -aG dask_users ${user}`
    : `There is no rule for ${launcher}: install deploy/sudoers with that path as /etc/sudoers.d/dask-gateway (visudo -c -f FILE checks it)`
  return { ...failed(words, advice), details }
}

/** Lists them without a password only where there is a rule that needs none. */
async function rulesOfSudo(): Promise<readonly string[]> {
  const options = { timeout: 5_000, env: { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8' } }
  const { stdout } = await promisify(execFile)('sudo', ['-n', '-l'], options).catch(() => ({
    stdout: '',
  }))
  // Long rules go on in lines that are indented further.
  const lines = stdout.replaceAll('\n        ', ' ').split('\n')
  return lines.flatMap((line) => /^ {4}(\(.*)$/.exec(line)?.[1] ?? [])
}

async function groupsOf(user: string): Promise<string> {
  const { stdout } = await promisify(execFile)('id', ['-Gn', '--', user], { timeout: 5_000 })
  return stdout.trim().split(' ').join(', ')
}

/** Which of the queue's commands the launcher would run as the user. */
export function judgeCommands({ commands }: VersionReply): Finding {
  const all = Object.values(commands ?? {})
  const faults = all.flatMap((each) => (each.usable ? [] : [each.error]))
  if (faults.length === 0)
    return ok(`Users run ${all.flatMap((each) => (each.usable ? [each.path] : [])).join(', ')}`)
  return {
    ...failed(
      `The launcher would not run ${faults.length} of the queue's ${all.length} commands: ${faults[0]}`,
      'List them in /etc/dask-gateway/launcher.json ("commands"), or see docs/launcher.md.',
    ),
    details: faults.slice(1),
  }
}

/** Whether the user could have a staging directory. */
export function judgeStaging({ stagingRoot, user }: VersionReply): Finding {
  if (stagingRoot === undefined) return failed('The launcher said nothing of the staging directory')
  return stagingRoot.usable
    ? ok(
        `${user} can have staging directories in ${stagingRoot.path}, which others cannot exchange`,
      )
    : failed(
        stagingRoot.error,
        'Set that right, or name another place that the nodes share: c.JobQueueClusterConfig.staging_directory.',
      )
}
