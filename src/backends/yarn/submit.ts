import {
  type BackendContext,
  type Cluster,
  type ClusterSettings,
  type Command,
  daskEnvironment,
  GatewayError,
  messageOf,
  type SecretPaths,
  type StartOutcome,
  schedulerArguments,
} from '../../core/index.ts'
import {
  applicationIdText,
  encodeCredentials,
  encodeLaunchContext,
  encodeResource,
  HadoopError,
  type LaunchContext,
  protectionsOf,
  type Resource,
  readApplicationId,
  resourceManagers,
  type SubmissionContext,
} from '../../hadoop/index.ts'
import { commandLines } from '../job-queue/command-lines.ts'
import { handleJson } from './application-handle.ts'
import type { Application, Applications } from './applications.ts'
import { containerCommand } from './container-command.ts'
import type { HadoopPlace } from './hadoop-place.ts'
import { FileRefused, type Localized, localize } from './localize.ts'
import { masterToken } from './masters.ts'
import { yarnSettingsOf } from './settings.ts'

export interface SubmitParts {
  readonly place: HadoopPlace
  readonly applications: Applications
  readonly context: BackendContext
  readonly heartbeatPeriodSeconds: number
}

type Role = 'scheduler' | 'worker'
type Configured = Pick<Cluster, 'settings'>
/** Nodes reach each other by addresses that only they know. */
export const listenHost = '0.0.0.0'

/** Submits the application of the cluster's current attempt. Its id is on disk before; the same id submitted twice is one application. */
export async function submitApplication(
  parts: SubmitParts,
  cluster: Cluster,
  attemptId: string,
  signal: AbortSignal,
): Promise<StartOutcome> {
  const { place, applications } = parts
  const manager = place.manager.as(cluster.username)
  const known = applications.of(attemptId)
  if (known?.isSubmitted) return { outcome: 'started', handle: handleJson(known.id) }
  try {
    const { applicationId, maximumCapability } = await manager.newApplication({ signal })
    const tooLarge = largerThan(cluster, maximumCapability)
    if (tooLarge !== null) return { outcome: 'refused', reason: tooLarge }
    const application: Application = known ?? {
      attemptId,
      clusterName: cluster.name,
      username: cluster.username,
      id: applicationIdText(applicationId),
      isSubmitted: false,
      workers: {},
    }
    const files = yarnSettingsOf(cluster).localize_files
    const localized = await localize(place, files, cluster, signal)
    await applications.put(application)
    await manager.submit(submission(parts, cluster, application, localized), { signal })
    await applications.put({ ...application, isSubmitted: true })
    return { outcome: 'started', handle: handleJson(application.id) }
  } catch (cause) {
    const reason = refusalOf(cause)
    if (reason === null) throw new GatewayError('upstream', messageOf(cause), { cause })
    await applications.remove(attemptId)
    return { outcome: 'refused', reason }
  }
}

/** Why nothing was started and nothing will be; null: it is not known. */
function refusalOf(error: unknown): string | null {
  if (error instanceof FileRefused) return error.message
  if (!(error instanceof HadoopError)) return null
  if (/is not allowed to impersonate/.test(error.message))
    return `Hadoop does not let the gateway act for this user (hadoop.proxyuser.… in its core-site.xml): ${error.message}`
  return error.code === 'remote' ? `YARN refuses: ${error.message}` : null
}

function largerThan(cluster: Cluster, maximum: Resource): string | null {
  for (const role of ['scheduler', 'worker'] as const) {
    const { memoryMiB = 0, virtualCores = 0 } = resourceOf(cluster, role)
    const { memoryMiB: mostMiB = memoryMiB, virtualCores: mostCores = virtualCores } = maximum
    if (memoryMiB > mostMiB || virtualCores > mostCores)
      return `A ${role} of ${memoryMiB} MiB and ${virtualCores} cores is larger than YARN's largest container, ${mostMiB} MiB and ${mostCores} cores`
  }
  return null
}

function resourceOf(cluster: Configured, role: Role): Resource {
  const { settings } = cluster
  const others = yarnSettingsOf(cluster)[`${role}_resources`]
  return {
    memoryMiB: Math.ceil(settings[`${role}_memory`] / 2 ** 20),
    virtualCores: settings[`${role}_cores`],
    others: Object.entries(others).map(([key, value]) => ({ key, value })),
  }
}

function submission(
  parts: SubmitParts,
  cluster: Cluster,
  application: Application,
  localized: Localized,
): SubmissionContext {
  return schedulerApplication({
    ...{ settings: cluster.settings, localized, attemptId: application.attemptId },
    id: application.id,
    name: `dask-gateway ${cluster.name}`,
    instanceId: parts.context.instanceId,
    command: roleCommand(cluster, 'scheduler'),
    secret: masterSecret(parts, cluster, localized),
  })
}

export interface SchedulerApplication {
  readonly id: string
  readonly name: string
  readonly instanceId: string
  readonly attemptId: string
  readonly settings: ClusterSettings
  readonly localized: Localized
  /** Of its only container; everybody can read it. */
  readonly command: string
  /** What only the container learns, as JSON. */
  readonly secret: unknown
}

/** An application whose first container is asked for as a scheduler's is. */
export function schedulerApplication(it: SchedulerApplication): SubmissionContext {
  const { settings, localized, instanceId } = it
  const { queue, priority, node_label: label } = yarnSettingsOf(it)
  const secret = Buffer.from(JSON.stringify(it.secret))
  return {
    applicationId: readApplicationId(it.id) ?? undefined,
    applicationName: it.name,
    applicationType: 'dask',
    queue,
    // Another attempt would be a second scheduler, which no client knows.
    maxAppAttempts: 1,
    resource: resourceOf({ settings }, 'scheduler'),
    tags: [instanceTag(instanceId), attemptTag(instanceId, it.attemptId)],
    ...(priority === null ? {} : { priority: { priority } }),
    ...(label ? { nodeLabelExpression: label } : {}),
    amContainerSpec: {
      ...launchContext({ settings }, it.command, localized),
      tokens: encodeCredentials({
        tokens: localized.tokens,
        secrets: new Map([['dask-gateway', secret]]),
      }),
    },
  }
}

export const instanceTag = (instanceId: string) => `dg-${instanceId}`
export const attemptTag = (instanceId: string, attemptId: string) => `dg-${instanceId}-${attemptId}`

/** The attempt of a tag of this instance; null: it is none. */
export function attemptOfTags(instanceId: string, tags: readonly string[]): string | null {
  const prefix = `${instanceTag(instanceId)}-`
  const tag = tags.find((each) => each.startsWith(prefix))?.slice(prefix.length) ?? ''
  return /^[0-9a-f]{16}$/.test(tag) ? tag : null
}

function launchContext(
  cluster: Configured,
  command: string,
  { resources }: Localized,
): LaunchContext {
  const settings = yarnSettingsOf(cluster)
  const { docker_image: image, docker_mounts: mounts } = settings
  const docker = {
    YARN_CONTAINER_RUNTIME_TYPE: 'docker',
    YARN_CONTAINER_RUNTIME_DOCKER_IMAGE: image,
    ...(mounts.length ? { YARN_CONTAINER_RUNTIME_DOCKER_MOUNTS: mounts.join(',') } : {}),
  }
  return {
    localResources: resources,
    command: [command],
    environment: image ? Object.entries(docker).map(([key, value]) => ({ key, value })) : [],
  }
}

function roleCommand(cluster: Configured, role: Role): string {
  return containerCommand(
    role === 'scheduler' ? 'master' : 'worker',
    yarnSettingsOf(cluster)[`${role}_setup`],
    commandOf(cluster, role),
  )
}

const commandOf = ({ settings }: Configured, role: Role): Command => settings[`${role}_cmd`]

const files: SecretPaths = { token: 'token', cert: 'dask.crt', key: 'dask.pem' }

/** What the container learns only from its credentials, which nobody else can read: python/container/ says what it does with it. */
function masterSecret(
  { place, context, ...parts }: SubmitParts,
  cluster: Cluster,
  localized: Localized,
) {
  const { configuration } = place
  const protections = protectionsOf(configuration, 'hadoop.rpc.protection')
  const args = schedulerArguments(cluster, listenHost, parts.heartbeatPeriodSeconds)
  return {
    home: {
      url: `${context.apiUrl}/v1/clusters/${cluster.name}/am`,
      token: masterToken(cluster),
    },
    managers: resourceManagers(configuration, 'applicationMasters').map(({ host, port }) => [
      host,
      port,
    ]),
    protections: protections.length > 0 ? protections : ['authentication'],
    scheduler: { ...daskCommand(cluster, 'scheduler', context.apiUrl), args },
    worker: {
      capability: encodeResource(resourceOf(cluster, 'worker')).toString('base64'),
      label: yarnSettingsOf(cluster).node_label || null,
      launch: encodeLaunchContext(
        launchContext(cluster, roleCommand(cluster, 'worker'), localized),
      ).toString('base64'),
      command: daskCommand(cluster, 'worker', context.apiUrl),
    },
  }
}

function daskCommand(cluster: Cluster, role: Role, apiUrl: string) {
  const { settings, token, tlsCert, tlsKey } = cluster
  const all = { USER: cluster.username, ...daskEnvironment(cluster, role, apiUrl, files) }
  const bare = { ...cluster, settings: { ...settings, environment: {} } }
  const paths = Object.fromEntries(
    Object.entries(daskEnvironment(bare, role, apiUrl, files)).filter(([, value]) =>
      Object.values(files).includes(value),
    ),
  )
  return {
    files: { [files.token]: token, [files.cert]: tlsCert, [files.key]: tlsKey },
    /** Variables that name one of the files, whose place only the container knows. */
    paths,
    environment: Object.fromEntries(Object.entries(all).filter(([name]) => !(name in paths))),
    script: ['arguments=("$@")', ...commandLines(commandOf(cluster, role)), ''].join('\n'),
  }
}
