import * as z from 'zod'
import {
  type Cluster,
  clusterConfigSettings,
  dbBackendSettings,
  resolveSettings,
  type SettingType,
  setting,
  settingsClass,
  types,
} from '../../core/index.ts'

/** A file for the containers: where it is (a local path or an hdfs:// URL), or that with more said about it. */
export type LocalizedFile =
  | string
  | {
      readonly source: string
      readonly type?: 'FILE' | 'ARCHIVE' | 'INFER' | undefined
      readonly visibility?: 'APPLICATION' | 'PUBLIC' | 'PRIVATE' | undefined
      readonly size?: number | undefined
      readonly timestamp?: number | undefined
    }

/** A local path or an hdfs:// URL. */
export function sourceTextOf(file: LocalizedFile): string {
  return typeof file === 'string' ? file : file.source
}

// The words may be written in any case, as skein took them.
const word = <const C extends readonly [string, ...string[]]>(...choices: C) =>
  z
    .string()
    .transform((value) => value.toUpperCase())
    .pipe(z.enum(choices))

const localizedFiles: SettingType<{ readonly [name: string]: LocalizedFile }> = {
  word: 'dict of files',
  schema: z.record(
    z.string().min(1),
    z.union(
      [
        z.string().min(1),
        z.strictObject({
          source: z.string().min(1),
          type: word('FILE', 'ARCHIVE', 'INFER').optional(),
          visibility: word('APPLICATION', 'PUBLIC', 'PRIVATE').optional(),
          size: z.int().min(0).optional(),
          timestamp: z.int().min(0).optional(),
        }),
      ],
      'each file must be a source, or a dict with source, type, visibility, size, timestamp',
    ),
    'must be a dict of local names to sources',
  ),
}

const amounts: SettingType<{ readonly [name: string]: number }> = {
  word: 'dict of amounts',
  schema: z.record(z.string().min(1), z.int().min(0), 'must be a dict of names to whole numbers'),
}

export const yarnClusterConfigSettings = settingsClass({
  name: 'YarnClusterConfig',
  parent: clusterConfigSettings,
  dottedNames: ['dask_gateway_server.backends.yarn.YarnClusterConfig'],
  help: 'What a cluster on Hadoop YARN is started with.',
  settings: {
    queue: setting(types.text, 'The queue of the application.', { default: 'default' }),
    localize_files: setting(
      localizedFiles,
      'Files for the containers: a local name to a source (a path, or hdfs://…; archives are unpacked), or to a dict with source, type, visibility, size, timestamp.',
      { default: {} },
    ),
    scheduler_setup: setting(types.text, 'Lines of bash that run before the scheduler starts.', {
      default: '',
    }),
    worker_setup: setting(types.text, 'Lines of bash that run before a worker starts.', {
      default: '',
    }),
    node_label: setting(
      types.text,
      'The node label (an expression of YARN) of the nodes that scheduler and workers run on; empty: what the queue says.',
      { default: '' },
    ),
    priority: setting(
      types.optional(types.integer({ min: 0 })),
      'The priority of the application.',
      { defaultText: "the queue's" },
    ),
    scheduler_resources: setting(
      amounts,
      "More of the scheduler's resources, by YARN's names for them (yarn.io/gpu).",
      { default: {} },
    ),
    worker_resources: setting(
      amounts,
      "More of a worker's resources, by YARN's names for them (yarn.io/gpu).",
      { default: {} },
    ),
    docker_image: setting(
      types.text,
      "The image that scheduler and workers run in, where the nodes have YARN's Docker runtime; empty: none.",
      { default: '' },
    ),
    docker_mounts: setting(
      types.textList,
      'What of a node is seen in the image: SOURCE:DESTINATION:ro or rw.',
      { default: [] },
    ),
  },
})

export const yarnBackendSettings = settingsClass({
  name: 'YarnBackend',
  parent: dbBackendSettings,
  dottedNames: ['dask_gateway_server.backends.yarn.YarnBackend'],
  help: 'Runs clusters as applications of Hadoop YARN, each as its user.',
  settings: {
    principal: setting(types.optional(types.text), "The gateway's Kerberos principal."),
    keytab: setting(types.optional(types.path), "The file with the principal's keys."),
    hadoop_conf_dir: setting(
      types.optional(types.path),
      "The folder with Hadoop's configuration (core-site.xml, yarn-site.xml).",
      {
        defaultText:
          'HADOOP_CONF_DIR, YARN_CONF_DIR, $HADOOP_HOME/etc/hadoop, /etc/hadoop/conf, or what `yarn classpath` names first',
      },
    ),
    app_client_cache_max_size: setting(
      types.integer({ min: 0 }),
      'Accepted and without effect: nothing is left to cache.',
      { default: 10 },
    ),
  },
})

export type YarnValues = NonNullable<(typeof yarnBackendSettings)['values']>
export type YarnClusterValues = NonNullable<(typeof yarnClusterConfigSettings)['values']>

/** A cluster's, as the class above declares them; its record may be older than one of them. */
export function yarnSettingsOf({ settings }: Pick<Cluster, 'settings'>): YarnClusterValues {
  return { ...defaults, ...settings } as YarnClusterValues
}

const defaults = resolveSettings(yarnClusterConfigSettings, new Map())
