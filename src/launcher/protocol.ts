/**
 * What the gateway and the launcher say to each other. The gateway runs `sudo -n -H -u USER dask-gateway-jobqueue-launcher`,
 * writes one request as JSON to its standard input and closes it, and reads one reply, a JSON object, from its standard
 * output. A request is data: the launcher alone builds the arguments of what it runs. Whatever happens, it answers; a
 * call without a reply (killed, sudo's refusal) is of unknown outcome.
 */
export type Request =
  | VersionRequest
  | SubmitRequest
  | CancelRequest
  | StatusRequest
  | LogRequest
  | CleanRequest
  | ClaimRequest

export type Verb = Request['verb']

export type Manager = 'slurm' | 'pbs'

/** Absolute paths of commands; one that is absent is found by its name in `commandFolders`. */
export interface Commands {
  /** sbatch, qsub */
  readonly submit?: string
  /** scancel, qdel */
  readonly cancel?: string
  /** squeue, qstat */
  readonly status?: string
}

export const commandNames: Readonly<Record<Manager, Readonly<Record<keyof Commands, string>>>> = {
  slurm: { submit: 'sbatch', cancel: 'scancel', status: 'squeue' },
  pbs: { submit: 'qsub', cancel: 'qdel', status: 'qstat' },
}

/** The last is where OpenPBS installs itself. */
export const commandFolders = ['/usr/local/bin', '/usr/bin', '/bin', '/opt/pbs/bin'] as const

/** A cluster's staging directory: a directory of its name (see `patterns.cluster`) in the staging root. */
export interface Staging {
  /** Absolute once `{home}` and `{username}` are the user's, which the launcher fills in. */
  readonly root: string
  readonly cluster: string
}

/** Changes nothing. With a manager or a staging root, says also whether these could be used: for `doctor`. */
export interface VersionRequest {
  readonly verb: 'version'
  readonly manager?: Manager
  readonly commands?: Commands
  readonly stagingRoot?: string
}

/**
 * Jobs of one user and one cluster. Makes the staging directory (0700, as are the parents it makes) unless an earlier
 * submit or claim has, writes the files (0600; a file of that name is replaced), and submits the jobs in turn until one is refused.
 * When none was submitted, removes again what this call has made; never when an outcome is unknown.
 */
export interface SubmitRequest {
  readonly verb: 'submit'
  readonly manager: Manager
  readonly commands?: Commands
  readonly staging: Staging
  /** By name (see `patterns.file`). */
  readonly files: Readonly<Record<string, string>>
  readonly jobs: readonly SlurmJob[] | readonly PbsJob[]
  readonly limitMs?: number
}

/** Texts that are empty or absent are not passed. */
export interface Job {
  /** `patterns.name`. Everybody can read it. */
  readonly name: string
  /** Given to the submit command on its standard input; begins with `#!`. */
  readonly script: string
  /** A file in the staging directory for the job's output (see `patterns.file`, `logFile`). */
  readonly log: string
  /** Slurm's partition, PBS's queue. */
  readonly queue?: string
  readonly account?: string
  readonly timeLimitSeconds?: number
  /** Options of the submit command, in its own form; those that the launcher sets itself are refused. */
  readonly extraArguments?: readonly string[]
}

export interface SlurmJob extends Job {
  readonly cores: number
  readonly memoryBytes: number
  /** An array job of tasks 0 to arraySize - 1; task I writes to `logFile(log, I)`. Absent: one job, no array. */
  readonly arraySize?: number
  readonly qos?: string
  readonly constraint?: string
  readonly gres?: string
  readonly reservation?: string
  readonly nodelist?: string
  readonly exclude?: string
}

export interface PbsJob extends Job {
  readonly project?: string
  /** For `-l`: cores and memory are in it. */
  readonly resources: string
  /** PBS copies these files from the staging directory on that host to a private directory of the job. Absent: no copying. */
  readonly stageIn?: { readonly hostname: string; readonly files: readonly string[] }
  /**
   * True: the node writes the log while the job runs (`-k od`), for which it must reach the staging directory. False: PBS brings it
   * to `stageIn.hostname` (this host when there is none) at the end.
   */
  readonly directOutput: boolean
}

export interface CancelRequest {
  readonly verb: 'cancel'
  readonly manager: Manager
  readonly commands?: Commands
  /** `patterns.slurmId` or `patterns.pbsId`. */
  readonly ids: readonly string[]
  readonly limitMs?: number
}

/** The user's own jobs, as `slurmStatusArguments` or `pbsStatusArguments` ask for them. */
export interface StatusRequest {
  readonly verb: 'status'
  readonly manager: Manager
  readonly commands?: Commands
  /** PBS: these jobs, finished ones too (`-x`). Absent: all that have not finished. Not for Slurm. */
  readonly ids?: readonly string[]
  readonly limitMs?: number
}

/** The last bytes of regular files of the user's in the staging directory. */
export interface LogRequest {
  readonly verb: 'log'
  readonly staging: Staging
  readonly files: readonly string[]
  /** Of each file. */
  readonly maxBytes: number
}

/** Removes the staging directory, if a submit or a claim made it. */
export interface CleanRequest {
  readonly verb: 'clean'
  readonly staging: Staging
}

/**
 * Makes the directories `claim-ATTEMPT`, which a job makes as its first act and else ends: an attempt whose claim is made
 * here never starts. Makes the staging directory when it is missing, or a later submit would bring the attempt back to life.
 */
export interface ClaimRequest {
  readonly verb: 'claim'
  readonly staging: Staging
  /** `patterns.name` */
  readonly attempts: readonly string[]
}

export type Reply<V extends Verb = Verb> = Replies[V] | Failure

export interface Replies {
  readonly version: VersionReply
  readonly submit: SubmitReply
  readonly cancel: CancelReply
  readonly status: StatusReply
  readonly log: LogReply
  readonly clean: CleanReply
  readonly claim: ClaimReply
}

/**
 * `request`: it is not as this file says. `refused`: the launcher's rules or its configuration forbid it. `staging`: the staging
 * directory cannot be made, is missing or is not as it must be. `command`: a command is missing or not safely owned. `internal`: a
 * fault of the launcher. With every code but `internal`, nothing was submitted.
 */
export type FailureCode = 'request' | 'refused' | 'staging' | 'command' | 'internal'

/** `error`: a sentence that says what was wrong and what to do. */
export interface Failure {
  readonly ok: false
  readonly code: FailureCode
  readonly error: string
}

export interface VersionReply {
  readonly ok: true
  readonly version: string
  readonly user: string
  readonly uid: number
  readonly home: string
  /** Whether a launcher.json limits it. */
  readonly limited: boolean
  /** With a manager: what each command is, or why it cannot be used. */
  readonly commands?: Readonly<Record<keyof Commands, Usable>>
  /** With a staging root: its path, or why it cannot be used. */
  readonly stagingRoot?: Usable
}

export type Usable =
  | { readonly usable: true; readonly path: string }
  | { readonly usable: false; readonly error: string }

/** What a command answered. Texts are cut to `limits` and may hold anything. */
export interface CommandResult {
  readonly returncode: number
  readonly stdout: string
  readonly stderr: string
}

export interface SubmitReply {
  readonly ok: true
  /** The staging directory. */
  readonly directory: string
  /** One for each job, in order. */
  readonly outcomes: readonly SubmitOutcome[]
  /** After a refusal: why the files of this call could not be removed. A `clean` may be able to. */
  readonly remains?: string
}

export type SubmitOutcome =
  /** The command ended by itself: 0 is accepted, else refused. */
  | ({ readonly outcome: 'answered' } & CommandResult)
  /** It was killed or took too long: perhaps it was accepted. */
  | { readonly outcome: 'unknown'; readonly error: string }
  /** A job before it was refused or is of unknown outcome. This one was not submitted. */
  | { readonly outcome: 'not-tried' }

export interface CancelReply {
  readonly ok: true
  /** One for each call of the command; together they name every id once, but for those that the time did not suffice for. */
  readonly results: readonly ({ readonly ids: readonly string[] } & CommandOutcome)[]
}

export type CommandOutcome =
  | ({ readonly outcome: 'answered' } & CommandResult)
  | { readonly outcome: 'unknown'; readonly error: string }

/** `cut`: stdout was longer than `limits.statusBytes`, hence does not tell what is missing. */
export type StatusReply = { readonly ok: true; readonly cut: boolean } & CommandOutcome

export interface LogReply {
  readonly ok: true
  /** Of the files in their order: the first, and as many more as `limits.logBytes` holds together. To be asked for again: the rest. */
  readonly logs: readonly LogEnd[]
}

export type LogEnd =
  | { readonly found: false }
  | { readonly found: true; readonly sizeBytes: number; readonly base64: string }

export interface CleanReply {
  readonly ok: true
  /** False: there was none. */
  readonly removed: boolean
}

export interface ClaimReply {
  readonly ok: true
  /** By attempt. `exists`: the job has begun, or an earlier claim was made. */
  readonly claims: Readonly<Record<string, 'made' | 'exists'>>
}

export const patterns = {
  /** Random, so that nothing that means something to a program (`~/.config/fish/conf.d`) can be made or removed. */
  cluster: /^[0-9a-f]{32}$/,
  name: /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
  file: /^(?!claim-)[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/,
  slurmId: /^\d{1,20}(_\d{1,10})?$/,
  pbsId: /^\d{1,20}(\[\d{0,10}\])?(\.[A-Za-z0-9_][A-Za-z0-9_.-]{0,252})?$/,
  variable: /^[A-Za-z_][A-Za-z0-9_]*$/,
} as const

export const limits = {
  requestBytes: 64 * 1024 * 1024,
  /** Of one job's script; Slurm's own default limit is 4 MiB. */
  scriptBytes: 4 * 1024 * 1024,
  files: 1000,
  jobs: 1000,
  arraySize: 10_000,
  ids: 10_000,
  attempts: 10_000,
  /** Of each output stream of a command, but for a status. */
  outputBytes: 64 * 1024,
  statusBytes: 64 * 1024 * 1024,
  /** Of one log, and of all in one reply. */
  logBytes: 16 * 1024 * 1024,
  logs: 10_000,
  /** For one call, when the request names no `limitMs`, and at most. A command that is not done by then is killed. */
  defaultLimitMs: 60_000,
  limitMs: 600_000,
} as const

/** The directory, in the staging directory, that a job of this attempt makes before it does anything else. */
export function claimDirectory(attempt: string): string {
  return `claim-${attempt}`
}

/** The file that task `index` of an array job writes to; `%a` is the index to Slurm. */
export function logFile(log: string, index: number | '%a'): string {
  return `${log}-${index}`
}
