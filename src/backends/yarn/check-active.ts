import { type Checks, type Finding, failed, ok, warning } from '../../core/index.ts'
import {
  fileSystemsWithSpares,
  nameNodeStates,
  resourceManagerStates,
  resourceManagers,
  type ServiceState,
} from '../../hadoop/index.ts'
import type { HadoopPlace } from './hadoop-place.ts'
import { type LocalizedFile, sourceTextOf } from './settings.ts'

/** Which of several ResourceManagers is active; nothing where there is but one. False: none is known to be. */
export async function checkActiveManager(place: HadoopPlace, checks: Checks): Promise<boolean> {
  if (resourceManagers(place.configuration).length < 2) return true
  const isActive = await checks.run('resource managers', async () => {
    const states = await resourceManagerStates(place.options)
    const finding = judgeStates('ResourceManager', states)
    return finding.result === 'failed' ? finding : { finding, facts: true }
  })
  return isActive === true
}

/** Which NameNode is active, of each file system with several of them that is the default, or that `files` are in. */
export async function checkActiveNameNodes(
  { configuration, options }: HadoopPlace,
  files: { readonly [name: string]: LocalizedFile },
  checks: Checks,
): Promise<void> {
  const sources = Object.values(files).map(sourceTextOf)
  const urls = [configuration.get('fs.defaultFS') ?? '', ...sources].map((url) => `${url}/`)
  for (const name of fileSystemsWithSpares(configuration))
    if (urls.some((url) => url.startsWith(`hdfs://${name}/`)))
      await checks.run(`name nodes of ${name}`, async () =>
        judgeStates('NameNode', await nameNodeStates(options, name)),
      )
}

const kinds = {
  ResourceManager: {
    all: 'yarn rmadmin -getAllServiceState',
    port: 'One that stands by is asked at its port for administrators (yarn.resourcemanager.admin.address, 8033).',
  },
  NameNode: {
    all: 'hdfs haadmin -getAllServiceState',
    port: 'It is asked at its port for clients (dfs.namenode.rpc-address, 8020).',
  },
} as const

/** Pure. */
export function judgeStates(kind: keyof typeof kinds, states: readonly ServiceState[]): Finding {
  const active = states.filter(({ state }) => state === 'active')
  const others = states.filter(({ state }) => state !== 'active')
  const told = [...active, ...others].map(clause).join('; ')
  const { all, port } = kinds[kind]
  const look = `See what an administrator is told by: ${all}`
  if (active.length > 1) return failed(`More than one ${kind} is active: ${told}`, look)
  if (active.length === 0) return failed(`No ${kind} is known to be active: ${told}`, look)
  if (others.some(({ state }) => state === 'unreachable'))
    return warning(
      `${kind} ${told}`,
      `If it is down, nothing takes over when the active one ends. ${port} A firewall between looks like this too.`,
    )
  return ok(`${kind} ${told}`)
}

function clause({ id, place, state, reason }: ServiceState): string {
  const words = {
    active: 'is active',
    standby: 'stands by',
    observer: 'observes',
    initializing: 'is starting',
    unknown: `is up, and does not say whether it is active: ${reason}`,
    unreachable: `cannot be asked: ${reason}`,
  }
  return `${id} (${place}) ${words[state]}`
}
