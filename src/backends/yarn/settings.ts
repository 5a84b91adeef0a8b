import * as z from 'zod'
import {
  clusterConfigSettings,
  dbBackendSettings,
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
  },
})

export const yarnBackendSettings = settingsClass({
  name: 'YarnBackend',
  parent: dbBackendSettings,
  dottedNames: ['dask_gateway_server.backends.yarn.YarnBackend'],
  help: 'Runs clusters as applications of Hadoop YARN. Not built yet.',
  settings: {
    principal: setting(types.optional(types.text), "The gateway's Kerberos principal."),
    keytab: setting(types.optional(types.path), "The file with the principal's keys."),
    app_client_cache_max_size: setting(
      types.integer({ min: 0 }),
      'Accepted and without effect: nothing is left to cache.',
      { default: 10 },
    ),
  },
})
