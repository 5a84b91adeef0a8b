import { readFileSync, renameSync, writeFileSync } from 'node:fs'

/** Where the server is, for the commands too. */
export const place = '/run/pbs-commands'

/** What an administrator would set by qmgr. */
export interface Settings {
  /** job_history_enable */
  readonly history: boolean
  /** query_other_jobs */
  readonly queryOtherJobs: boolean
  readonly operators: readonly string[]
  /** Whether jobs are started. */
  readonly scheduling: boolean
  /** The node has lost its power. */
  readonly nodeDown: boolean
  /** max_queued, of one user, running ones included; null: any number. */
  readonly jobsPerUser: number | null
  /** max_run, of one user. */
  readonly runningPerUser: number | null
  /** The first is the default. */
  readonly queues: { readonly [name: string]: QueueSettings }
}

export interface QueueSettings {
  readonly enabled?: boolean
  /** Absent: everybody. */
  readonly users?: readonly string[]
  readonly mostCores?: number
  readonly longestSeconds?: number
}

export const usual: Settings = {
  history: true,
  queryOtherJobs: true,
  operators: ['dask'],
  scheduling: true,
  nodeDown: false,
  jobsPerUser: null,
  runningPerUser: null,
  queues: {
    workq: {},
    dask: {},
    closed: { enabled: false },
    acl: { users: [] },
    small: { mostCores: 2, longestSeconds: 60 },
  },
}

export function readSettings(): Settings {
  return JSON.parse(readFileSync(`${place}/settings.json`, 'utf8')) as Settings
}

export function writeSettings(change: Partial<Settings> = {}): void {
  writeFileSync(`${place}/settings.json.new`, JSON.stringify({ ...usual, ...change }))
  renameSync(`${place}/settings.json.new`, `${place}/settings.json`)
}
