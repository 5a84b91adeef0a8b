import { type Checks, type Finding, failed, messageOf, ok, warning } from '../../core/index.ts'
import { isSecure, readHdfsUrl } from '../../hadoop/index.ts'
import { createInitiator, KerberosError } from '../../kerberos/index.ts'
import type { HopsToCheck } from '../backend-driver.ts'
import { checkProbe } from '../job-queue/checks/check-probe.ts'
import { checkActiveManager, checkActiveNameNodes } from './check-active.ts'
import { type HadoopPlace, openHadoop, silent } from './hadoop-place.ts'
import { type LocalizedFile, sourceTextOf, type YarnValues, yarnSettingsOf } from './settings.ts'
import { yarnProbe } from './yarn-probe.ts'

/** From the gateway to a queue and the files of a cluster, in the order in which a start goes, and back from a node. */
export async function checkYarn(
  values: YarnValues,
  given: HopsToCheck,
  checks: Checks,
): Promise<void> {
  const { principal, keytab } = values
  if (principal !== null && keytab !== null)
    await checks.run('ticket', () => checkTicket(keytab, principal))
  const place = await checks.run('hadoop', async () => {
    const opened = await openHadoop(values, silent)
    const { configuration } = opened
    const login = isSecure(configuration) ? `with Kerberos, as ${values.principal}` : 'no Kerberos'
    return {
      finding: ok(`Its configuration is in ${configuration.folder}; ${login}`),
      facts: opened,
    }
  })
  if (place === null) return
  try {
    if (!(await checkActiveManager(place, checks))) return
    if (!(await checkManager(place, checks))) return
    const files = given.user === null ? {} : yarnSettingsOf(given.user).localize_files
    await checkActiveNameNodes(place, files, checks)
    if (given.user === null)
      await checks.run('user', async () =>
        warning(
          'What is done as a user (acting for them, queue, files, an application) was not tried',
          'Name one with --user NAME.',
        ),
      )
    else if (await checkUser(place, given.user, checks))
      await checkApplication(place, given, given.user, checks)
  } finally {
    place.close()
  }
}

/** Whether the gateway itself can log in. */
async function checkTicket(keytab: string, principal: string): Promise<Finding> {
  const initiator = createInitiator({ keytab, principal })
  try {
    const { expiresAtMs } = await initiator.login()
    const hours = Math.round((expiresAtMs - Date.now()) / 360_000) / 10
    return ok(`The KDC gives ${principal} a ticket by ${keytab}, for ${hours} hours`)
  } catch (error) {
    if (!(error instanceof KerberosError)) throw error
    return failed(
      `YarnBackend.keytab: ${error.message}`,
      error.reason === 'unavailable'
        ? 'krb5.conf, or DNS, says where the KDC is: can port 88 there be reached?'
        : `Write the keytab anew (kadmin: xst -norandkey -k ${keytab} ${principal}), for the gateway's account to read; see c.YarnBackend.principal.`,
    )
  } finally {
    initiator.close()
  }
}

async function checkManager(place: HadoopPlace, checks: Checks): Promise<boolean> {
  const answers = await checks.run('resource manager', async (signal) => {
    const { active = 0, nodeManagers = 0 } = await place.manager.as().metrics({ signal })
    const finding =
      active > 0
        ? ok(`It answers; ${active} of ${nodeManagers} nodes are active`)
        : failed('It answers, but no node is active', 'See the logs of the NodeManagers.')
    return { finding, facts: true }
  })
  return answers === true
}

async function checkUser(
  place: HadoopPlace,
  user: NonNullable<HopsToCheck['user']>,
  checks: Checks,
): Promise<boolean> {
  const { name, settings } = user
  const queues = await checks.run('acting for the user', async (signal) => {
    try {
      const known = await place.manager.as(name).queuesOfUser({ signal })
      return { finding: ok(`The ResourceManager lets the gateway act for ${name}`), facts: known }
    } catch (error) {
      return notAllowed(error, 'ResourceManager')
    }
  })
  if (queues === null) return false
  const queue = String(settings.queue)
  await checks.run('queue', (signal) => checkQueue(place, name, queue, queues, signal))
  for (const [local, file] of Object.entries(yarnSettingsOf(user).localize_files))
    await checks.run(`file ${local}`, (signal) => checkFile(place, name, file, signal))
  return true
}

/** Whether a scheduler of the user could run, reach the gateway and be reached: by an application that does so in its place. */
async function checkApplication(
  place: HadoopPlace,
  { probe, gateway, apiUrl }: HopsToCheck,
  { name: username, settings }: NonNullable<HopsToCheck['user']>,
  checks: Checks,
): Promise<void> {
  const not = 'No probe was submitted: the nodes, the ways to them and their Python were not tried'
  if (!probe || gateway === null) {
    const finding = probe
      ? warning(`${not}, as no gateway runs`, 'Start it and run this again.')
      : warning(not, 'Leave out --no-probe.')
    await checks.run('probe application', async () => finding)
    return
  }
  const { instanceId, checkTunnel } = gateway
  const request = { username, settings, apiUrl, instanceId }
  await checkProbe(
    {
      ...{ ...yarnProbe(place, request), title: 'YARN', kind: 'application', username, apiUrl },
      settingsName: 'YarnClusterConfig',
      checkTunnel,
    },
    checks,
  )
}

async function checkQueue(
  place: HadoopPlace,
  user: string,
  queue: string,
  queues: readonly string[],
  signal: AbortSignal,
): Promise<Finding> {
  const info = await place.manager.as(user).queue(queue, { signal })
  if (info === null) return failed(`There is no queue ${queue}`, 'See c.YarnClusterConfig.queue.')
  if (info.state !== 'RUNNING') return failed(`The queue ${queue} is ${info.state}`)
  const names = [queue, info.queuePath]
  if (queues.some((each) => names.includes(each) || each.endsWith(`.${queue}`)))
    return ok(`${user} may submit to the queue ${queue}`)
  return failed(
    `${user} may not submit to the queue ${queue}, but to: ${queues.join(', ') || 'none'}`,
    'See the ACLs of the queues (acl_submit_applications), or c.YarnClusterConfig.queue.',
  )
}

async function checkFile(
  place: HadoopPlace,
  user: string,
  file: LocalizedFile,
  signal: AbortSignal,
): Promise<Finding> {
  const source = sourceTextOf(file)
  const url = readHdfsUrl(source)
  if (url === null) return ok(`${source} is uploaded from here for each cluster`)
  try {
    const status = await place.fileSystem(url.authority).as(user).status(url.path, { signal })
    if (status === null) return failed(`There is no ${source}`)
    return ok(`${source} is there, ${status.length} bytes`)
  } catch (error) {
    return notAllowed(error, 'NameNode')
  }
}

function notAllowed(error: unknown, server: string): Finding {
  const words = messageOf(error)
  const [, gateway] = /User: ([^@/\s]+)\S* is not allowed to impersonate/.exec(words) ?? []
  if (gateway === undefined) return failed(words)
  return failed(
    words,
    `In core-site.xml of the ${server}: hadoop.proxyuser.${gateway}.hosts (this machine) and hadoop.proxyuser.${gateway}.groups (groups of the users), then refreshSuperUserGroupsConfiguration.`,
  )
}
