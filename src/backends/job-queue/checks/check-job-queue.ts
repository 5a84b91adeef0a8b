import { hostname } from 'node:os'
import { join } from 'node:path'
import { type Checks, failed, ok, warning } from '../../../core/index.ts'
import type { Commands, VersionReply } from '../../../launcher/index.ts'
import { type Account, lookUpAccount } from '../../account.ts'
import type { HopsToCheck } from '../../backend-driver.ts'
import { Batches } from '../batches.ts'
import { findCommands } from '../find-commands.ts'
import { findLauncher, launcherBySudo } from '../launcher-call.ts'
import type { JobQueueValues } from '../place.ts'
import type { Queue } from '../queue.ts'
import { Survey } from '../survey.ts'
import { checkProbe } from './check-probe.ts'
import { checkLauncher, checkSudo, judgeCommands, judgeStaging } from './launcher-checks.ts'
import type { ProbeParts } from './probe-job.ts'
import { askQueue, type QueueQuestion } from './queue-question.ts'
import { queuedProbe } from './queued-probe.ts'

export interface QueueToCheck {
  readonly values: JobQueueValues
  readonly given: HopsToCheck
  readonly queue: Queue
  /** In this order; what follows one that fails is not asked. */
  readonly questions: readonly QueueQuestion[]
}

/** From the gateway to a port of a job's node, and back, in the order in which a cluster goes. */
export async function checkJobQueue(it: QueueToCheck, checks: Checks): Promise<void> {
  const { values, given, queue, questions } = it
  const { submit_command: submit, cancel_command: cancel, status_command: status } = values
  const commands = findCommands({ submit, cancel, status }, queue.manager)
  let answers = true
  for (const question of questions) {
    if (!answers) break
    await checks.run(question.name, async (signal) => {
      const finding = await askQueue(question, commands.status ?? null, signal)
      answers = finding.result !== 'failed'
      return finding
    })
  }
  const launcher = findLauncher(values.dask_gateway_jobqueue_launcher)
  await checks.run('launcher', () => checkLauncher(launcher))
  if (given.user === null) {
    await checks.run('user', async () =>
      warning(
        'What is done as a user (sudo, staging directory, a job) was not tried',
        'Name one with --user NAME.',
      ),
    )
    return
  }
  const account = await checkUser(given.user.name, checks)
  if (account === null) return
  const call = launcherBySudo(launcher)
  const may = await checkUserRights({ ...it, account, call, launcher, commands }, checks)
  if (!may) return
  const why = whyNoProbe(given, answers)
  if (why !== null) {
    await checks.run('probe job', async () => why)
    return
  }
  const { gateway } = given
  if (gateway === null) return
  const { instanceId, stateDirectory } = gateway
  const batches = new Batches(join(stateDirectory, 'job-arrays'))
  const parts: ProbeParts = {
    ...{ queue, commands, call, instanceId, stateDirectory },
    survey: new Survey({ queue, commands, call, instanceId, batches }),
    hostname: values.gateway_hostname ?? hostname(),
  }
  const { settings } = given.user
  const { apiUrl } = given
  const probe = queuedProbe(parts, { account, settings, apiUrl })
  const { title } = queue
  await checkProbe(
    {
      ...{ ...probe, title, kind: 'job', username: account.name, apiUrl },
      settingsName: `${title}ClusterConfig`,
      checkTunnel: gateway.checkTunnel,
    },
    checks,
  )
}

async function checkUser(name: string, checks: Checks): Promise<Account | null> {
  return await checks.run('user', async (signal) => {
    const account = await lookUpAccount(name, signal)
    if ('refused' in account)
      return failed(
        `No cluster can run for this user: ${account.refused}`,
        'Users are known to the gateway by the names of their accounts, on this machine and on the nodes.',
      )
    const { uid, home } = account
    return { finding: ok(`${name} is an account (uid ${uid}, home ${home})`), facts: account }
  })
}

type UserRights = QueueToCheck & {
  readonly account: Account
  readonly call: ReturnType<typeof launcherBySudo>
  readonly launcher: string
  readonly commands: Commands
}

/** Whether a job could be submitted as the user. */
async function checkUserRights(it: UserRights, checks: Checks): Promise<boolean> {
  const { account, call, launcher, commands, given, queue } = it
  const staging_directory = given.user?.settings.staging_directory
  const stagingRoot =
    typeof staging_directory === 'string' ? staging_directory : '{home}/.dask-gateway/'
  const request = { verb: 'version', manager: queue.manager, commands, stagingRoot } as const
  const reply: VersionReply | null = await checks.run('sudo', (signal) =>
    checkSudo({ call, launcher, account, request, version: given.version }, signal),
  )
  if (reply === null) return false
  const judged = [judgeCommands(reply), judgeStaging(reply)] as const
  await checks.run("user's commands", async () => judged[0])
  await checks.run('staging directory', async () => judged[1])
  return judged.every(({ result }) => result !== 'failed')
}

function whyNoProbe({ probe, gateway }: HopsToCheck, answers: boolean) {
  const not =
    'No probe job was submitted: the nodes, the ways to them and their Python were not tried'
  if (!probe) return warning(not, 'Leave out --no-probe.')
  if (gateway === null) return warning(`${not}, as no gateway runs`, 'Start it and run this again.')
  if (process.getuid?.() === 0) return warning(not, "Run this as the gateway's account.")
  return answers ? null : warning(not, 'The queue has to answer first: see above.')
}
