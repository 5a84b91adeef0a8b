import { LauncherFailure } from './failure.ts'
import {
  type Job,
  limits,
  type Manager,
  type PbsJob,
  patterns,
  type Request,
  type SlurmJob,
} from './protocol.ts'

/** The request that this text is; everything in it has been looked at. What is not as the protocol says is refused by its name. */
export function parseRequest(text: string): Request {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    throw fault('The request', `is not JSON: ${String(error).slice(0, 200)}`)
  }
  const fields = record(json, 'the request')
  const read = readers[line(fields.verb, 'verb') as Request['verb']]
  if (read === undefined) throw fault('verb', `must be one of ${Object.keys(readers).join(', ')}`)
  return read(fields)
}

type Fields = Readonly<Record<string, unknown>>
type Reader<T> = (value: unknown, name: string) => T

const readers: Readonly<Record<Request['verb'], (fields: Fields) => Request>> = Object.freeze({
  // Not an heir of Object: "constructor" is no verb.
  __proto__: null as never,
  version: (fields) => ({
    verb: 'version',
    ...given('manager', fields, manager),
    ...given('commands', fields, commands),
    ...given('stagingRoot', fields, line),
  }),
  submit: (fields) => {
    const queue = manager(fields.manager, 'manager')
    return {
      verb: 'submit',
      manager: queue,
      ...common(fields),
      staging: staging(fields.staging),
      files: files(fields.files),
      jobs: jobs(queue, fields.jobs),
    }
  },
  cancel: (fields) => {
    const queue = manager(fields.manager, 'manager')
    return { verb: 'cancel', manager: queue, ...common(fields), ids: ids(queue)(fields.ids, 'ids') }
  },
  status: (fields) => {
    const queue = manager(fields.manager, 'manager')
    const some = queue === 'pbs' ? given('ids', fields, ids(queue)) : {}
    return { verb: 'status', manager: queue, ...common(fields), ...some }
  },
  log: (fields) => ({
    verb: 'log',
    staging: staging(fields.staging),
    files: list(match(patterns.file), limits.logs, 1)(fields.files, 'files'),
    maxBytes: integer(0, limits.logBytes)(fields.maxBytes, 'maxBytes'),
  }),
  clean: (fields) => ({ verb: 'clean', staging: staging(fields.staging) }),
  claim: (fields) => ({
    verb: 'claim',
    staging: staging(fields.staging),
    attempts: list(match(patterns.name), limits.attempts)(fields.attempts, 'attempts'),
  }),
})

function common(fields: Fields) {
  return {
    ...given('commands', fields, commands),
    ...given('limitMs', fields, integer(1, limits.limitMs)),
  }
}

function staging(value: unknown) {
  const fields = record(value, 'staging')
  return {
    root: line(fields.root, 'staging.root'),
    cluster: match(patterns.cluster)(fields.cluster, 'staging.cluster'),
  }
}

function files(value: unknown): Record<string, string> {
  const entries = Object.entries(record(value, 'files'))
  if (entries.length > limits.files) throw fault('files', `must be at most ${limits.files}`)
  return Object.fromEntries(
    entries.map(([name, content]) => [
      match(patterns.file)(name, 'files: a name'),
      anyText(content, `files.${name}`),
    ]),
  )
}

function jobs(queue: Manager, value: unknown): readonly SlurmJob[] | readonly PbsJob[] {
  return queue === 'slurm'
    ? list(slurmJob, limits.jobs, 1)(value, 'jobs')
    : list(pbsJob, limits.jobs, 1)(value, 'jobs')
}

const seconds = (value: unknown, name: string) => integer(1, 10 * 366 * 86_400)(value, name)

function job(fields: Fields, at: string): Job {
  const script = anyText(fields.script, `${at}.script`)
  if (!script.startsWith('#!') || script.includes('\0') || script.length > limits.scriptBytes)
    throw fault(
      `${at}.script`,
      `must begin with "#!", hold no NUL and be at most ${limits.scriptBytes} long`,
    )
  return {
    name: match(patterns.name)(fields.name, `${at}.name`),
    script,
    log: match(patterns.file)(fields.log, `${at}.log`),
    ...given('queue', fields, line, at),
    ...given('account', fields, line, at),
    ...given('timeLimitSeconds', fields, seconds, at),
    ...given('extraArguments', fields, list(line, 100), at),
  }
}

function slurmJob(value: unknown, at: string): SlurmJob {
  const fields = record(value, at)
  return {
    ...job(fields, at),
    cores: integer(1, 1_000_000)(fields.cores, `${at}.cores`),
    memoryBytes: integer(1, Number.MAX_SAFE_INTEGER)(fields.memoryBytes, `${at}.memoryBytes`),
    ...given('arraySize', fields, integer(1, limits.arraySize), at),
    ...given('qos', fields, line, at),
    ...given('constraint', fields, line, at),
    ...given('gres', fields, line, at),
    ...given('reservation', fields, line, at),
    ...given('nodelist', fields, nodes, at),
    ...given('exclude', fields, nodes, at),
  }
}

function pbsJob(value: unknown, at: string): PbsJob {
  const fields = record(value, at)
  if (typeof fields.directOutput !== 'boolean')
    throw fault(`${at}.directOutput`, 'must be true or false')
  return {
    ...job(fields, at),
    resources: option(fields.resources, `${at}.resources`),
    directOutput: fields.directOutput,
    ...given('project', fields, option, at),
    ...given('stageIn', fields, stageIn, at),
  }
}

function stageIn(value: unknown, at: string) {
  const fields = record(value, at)
  return {
    hostname: match(/^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$/)(fields.hostname, `${at}.hostname`),
    files: list(match(patterns.file), limits.files)(fields.files, `${at}.files`),
  }
}

const commands: Reader<object> = (value, name) => {
  const fields = record(value, name)
  return {
    ...given('submit', fields, line, name),
    ...given('cancel', fields, line, name),
    ...given('status', fields, line, name),
  }
}

const manager: Reader<Manager> = (value, name) => {
  if (value !== 'slurm' && value !== 'pbs') throw fault(name, 'must be "slurm" or "pbs"')
  return value
}

/** Without an id, qstat would tell of all jobs. */
const ids = (queue: Manager) =>
  list(match(queue === 'slurm' ? patterns.slurmId : patterns.pbsId), limits.ids, 1)

function given<K extends string, T>(key: K, fields: Fields, read: Reader<T>, at?: string) {
  const value = fields[key]
  const name = at === undefined ? key : `${at}.${key}`
  return (value === undefined ? {} : { [key]: read(value, name) }) as { readonly [P in K]?: T }
}

function record(value: unknown, name: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw fault(name, 'must be an object')
  return value as Fields
}

function list<T>(read: Reader<T>, most: number, least = 0): Reader<readonly T[]> {
  return (value, name) => {
    if (!Array.isArray(value) || value.length < least || value.length > most)
      throw fault(name, `must be a list of ${least} to ${most}`)
    return value.map((item, index) => read(item, `${name}[${index}]`))
  }
}

const anyText: Reader<string> = (value, name) => {
  if (typeof value !== 'string') throw fault(name, 'must be a string')
  return value
}

/** What becomes (part of) an argument of a command: one line. */
function line(value: unknown, name: string): string {
  const text = anyText(value, name)
  if (text.length > 4096 || /\p{Cc}/u.test(text))
    throw fault(name, 'must be one line of at most 4096 characters')
  return text
}

/** sbatch(1) takes what holds a "/" for a file to read them from. */
const nodes: Reader<string> = (value, name) => {
  const text = line(value, name)
  if (text.includes('/')) throw fault(name, 'must be names of nodes, not a file')
  return text
}

/** What becomes an argument of its own, after an option's name. */
const option: Reader<string> = (value, name) => {
  const text = line(value, name)
  if (text.startsWith('-')) throw fault(name, 'must not begin with "-"')
  return text
}

function match(pattern: RegExp): Reader<string> {
  return (value, name) => {
    const text = anyText(value, name)
    if (!pattern.test(text)) throw fault(name, `must match ${pattern.source}`)
    return text
  }
}

function integer(least: number, most: number): Reader<number> {
  return (value, name) => {
    if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most)
      throw fault(name, `must be an integer from ${least} to ${most}`)
    return value
  }
}

function fault(name: string, what: string): LauncherFailure {
  return new LauncherFailure('request', `${name} ${what}`)
}
