import { hostname } from 'node:os'
import type { User } from './accounts.ts'
import { type Attributes, printedOrder, recorded, recordedJob } from './recorded.ts'
import type { Resources } from './resources.ts'
import type { Call } from './server.ts'

/** What qsub was asked for. */
export interface Request {
  readonly call: Call
  readonly options: Readonly<Record<string, string>>
  /** Of `-W`. */
  readonly attributes: Readonly<Record<string, string>>
  /** In place of a script; null: the script was on standard input. */
  readonly executable: readonly string[] | null
  readonly resources: Resources
  readonly queue: string
}

/** How a job is told of; each has a recorded one that it is printed after. */
export type Telling = keyof typeof models

const models = {
  queued: ['qstat-json', '3.pbs'],
  held: ['qstat-json', '2.pbs'],
  staging: ['qstat-json-after', '11.pbs'],
  waiting: ['stagein-failed-state', '123.pbs'],
  running: ['qstat-json', '1.pbs'],
  exiting: ['qstat-json', '1.pbs'],
  deletedBefore: ['qstat-json-after', '2.pbs'],
  deletedQueued: ['qstat-json-after', '4.pbs'],
  deleted: ['qstat-json-after', '0.pbs'],
  failed: ['qstat-json-after', '5.pbs'],
  finished: ['qstat-json-after', '6.pbs'],
  overtime: ['qstat-json-after', '9.pbs'],
} as const

const model = Object.fromEntries(
  Object.entries(models).map(([telling, [file, id]]) => [telling, recordedJob(file, id)]),
) as { readonly [telling in Telling]: Attributes }
const order = printedOrder([...Object.values(model), recordedJob('qstat-json', '9.pbs')])
const limited = recordedJob('maxq-state', '97.pbs')

const host = hostname()

export class Job {
  readonly id: string
  readonly request: Request
  readonly owner: User
  telling: Telling
  /** Why it does not run, how it ran. */
  comment: string | null = null
  exitStatus: number | null = null
  slot = 0
  session: number | null = null
  /** Who deleted it while it ran. */
  deletedBy: string | null = null
  late = false
  /** Its node went down while it ran. */
  lost = false
  readonly #times: { [name: string]: Date } = {}

  constructor(number: number, request: Request, owner: User) {
    this.id = `${number}.${host}`
    this.request = request
    this.owner = owner
    this.telling = 'h' in request.options ? 'held' : 'queued'
    for (const name of ['ctime', 'qtime', 'etime']) this.#times[name] = new Date()
  }

  get state(): string {
    if (this.telling === 'exiting') return 'E'
    return String(model[this.telling].job_state)
  }

  /** `now` is also when it began (`stime`), ended (`obittime`), or is tried again (`Execution_Time`). */
  become(telling: Telling, times: { readonly [name: string]: Date } = {}): void {
    this.telling = telling
    Object.assign(this.#times, times, { mtime: new Date() })
  }

  get outputPath(): string {
    return this.#streamPath('o')
  }

  get errorPath(): string {
    return this.#streamPath('e')
  }

  #streamPath(letter: 'o' | 'e'): string {
    const { options, call } = this.request
    const path =
      options[letter] ?? `${call.cwd}/${this.#name}.${letter}${Number.parseInt(this.id, 10)}`
    return path.includes(':') ? path : `${host}:${path}`
  }

  get #name(): string {
    return this.request.options.N ?? 'STDIN'
  }

  /** Where it runs, if that is a place of its own. */
  get directory(): string {
    const { home } = this.owner
    return this.request.attributes.sandbox === 'PRIVATE' ? `${home}/pbs.${this.id}.x8z` : home
  }

  get vnode(): string {
    const { cores, memory, memoryKb } = this.request.resources
    return `(${host}:ncpus=${cores}${memory === null ? '' : `:mem=${memoryKb}kb`})`
  }

  /** That it cannot run now, or never: a recorded sentence with this job's figures. */
  lacks(resource: 'ncpus' | 'mem', asked: string, available: string, total: string): void {
    const sentence = String(model.queued.comment)
      .replace('ncpus', resource)
      .replace(/\(.*\)/, `(R: ${asked} A: ${available} T: ${total})`)
    const [never = ''] = /^[^:]*/.exec(sentence) ?? []
    const [notNow = ''] = /^[^:]*/.exec(String(limited.comment)) ?? []
    this.comment = available === total ? sentence : sentence.replace(never, notNow)
  }

  limitReached(): void {
    this.comment = String(limited.comment)
  }

  attributes(): Attributes {
    const like = model[this.telling]
    const own: { [name: string]: string | number | Attributes | null } = { ...this.#submitted() }
    for (const name of Object.keys(like)) if (!(name in own)) own[name] = this.#valueOf(name, like)
    // The server has no word of the node's for the end of such a job.
    own.comment = this.#comment(this.lost ? model.running : like)
    const names = Object.keys(own).filter((name) => own[name] !== null)
    return Object.fromEntries(
      names
        .toSorted((a, b) => order.indexOf(a) - order.indexOf(b))
        .map((name) => [name, own[name] ?? '']),
    )
  }

  /** What was asked for decides whether it is there; null: it is not. */
  #submitted() {
    const { options, attributes, executable, resources, queue, call } = this.request
    const { mem, ...rest } = { mem: resources.memory, ncpus: resources.cores }
    return {
      Job_Name: this.#name,
      Job_Owner: `${this.owner.name}@${host}`,
      job_state: this.state,
      queue,
      server: host,
      Error_Path: this.errorPath,
      Output_Path: this.outputPath,
      Hold_Types: 'h' in options ? 'u' : 'n',
      Join_Path: options.j ?? 'n',
      Keep_Files: options.k ?? 'n',
      Remove_Files: options.R ?? null,
      Rerunable: options.r === 'n' ? 'False' : 'True',
      Resource_List: {
        ...(mem === null ? {} : { mem }),
        ...rest,
        ...{ nodect: 1, place: resources.place, select: resources.select },
        ...(resources.walltime === null ? {} : { walltime: resources.walltime }),
      },
      sandbox: attributes.sandbox ?? null,
      stagein: attributes.stagein ?? null,
      project: options.P ?? String(model.queued.project),
      Submit_arguments: call.argv.join(' '),
      Submit_Host: host,
      executable: executable === null ? null : inXml('executable', executable.slice(0, 1)),
      argument_list:
        executable === null || executable.length < 2
          ? null
          : inXml('argument_list', executable.slice(1)),
      Variable_List: this.#variables(),
    }
  }

  #variables(): Attributes {
    const { call, options, queue } = this.request
    const like = model.queued.Variable_List as Attributes
    const { environment: of } = call
    const told = ['LANG', 'LOGNAME', 'PATH', 'MAIL', 'SHELL', 'TZ'].flatMap((name) =>
      of[name] === undefined ? [] : [[`PBS_O_${name}`, of[name]]],
    )
    const wanted = (options.v?.split(',') ?? []).map((name) => [name, of[name] ?? ''])
    const { PBS_O_INTERACTIVE_AUTH_METHOD, PBS_O_INTERACTIVE_ENCRYPT_METHOD, PBS_O_SYSTEM } = like
    return {
      PBS_O_HOME: of.HOME ?? '/',
      ...Object.fromEntries(told),
      PBS_O_INTERACTIVE_AUTH_METHOD: PBS_O_INTERACTIVE_AUTH_METHOD ?? '',
      PBS_O_INTERACTIVE_ENCRYPT_METHOD: PBS_O_INTERACTIVE_ENCRYPT_METHOD ?? '',
      PBS_O_WORKDIR: call.cwd,
      PBS_O_SYSTEM: PBS_O_SYSTEM ?? '',
      ...Object.fromEntries(wanted),
      PBS_O_QUEUE: queue,
      PBS_O_HOST: host,
    }
  }

  /** What is there in every job that is told of so. */
  #valueOf(name: string, like: Attributes): string | number | Attributes | null {
    switch (name) {
      case 'exec_host':
        return `${host}/${this.slot}`
      case 'exec_vnode':
        return this.vnode
      case 'jobdir':
        return this.directory
      case 'session_id':
        return this.session
      case 'Exit_status':
        return this.exitStatus
      case 'history_timestamp':
        return Math.floor((this.#times.mtime ?? new Date()).getTime() / 1000)
      case 'substate':
        return this.telling === 'exiting' ? 50 : (like[name] ?? null)
      case 'resources_used':
        return { ...(like[name] as Attributes), ncpus: this.request.resources.cores }
      default:
        if (/^[cmqse]time$|^obittime$|^Execution_Time$/.test(name))
          return dateText(this.#times[name] ?? this.#times.ctime ?? new Date())
        return like[name] ?? null
    }
  }

  /** The recorded one, with this job's times, node and who deleted it; of a job that waits, its own. */
  #comment(like: Attributes): string | null {
    const sentence = like.comment === undefined ? null : String(like.comment)
    if (this.telling === 'queued') return this.comment
    if (this.telling === 'deletedQueued')
      return this.comment === null ? null : `${this.comment}${sentence?.replace(/^.*\)/, '')}`
    const { stime = new Date() } = this.#times
    const begun = `at ${dateText(stime).slice(0, 10)} at ${dateText(stime).slice(11, 16)} on`
    const own = sentence
      ?.replace(/at \w{3} \w{3} .\d at \d\d:\d\d on/, begun)
      .replace(/\([^)]*\)/, this.vnode)
      .replace(/(?<=terminated by )\S+/, this.deletedBy ?? '')
    // While it is being deleted, too.
    const isEnding = this.deletedBy !== null && ['running', 'exiting'].includes(this.telling)
    const ending = String(model.deleted.comment).match(/ and terminated by /)?.[0]
    return own === undefined ? null : `${own}${isEnding ? `${ending}${this.deletedBy}` : ''}`
  }
}

function inXml(attribute: 'executable' | 'argument_list', words: readonly string[]): string {
  const [, before = '', after = ''] =
    /^(<[^>]*>)[^<]*(<[^>]*>)$/.exec(String(model.running[attribute])) ?? []
  return words.map((word) => `${before}${word}${after}`).join('')
}

/** As ctime(3) has it. */
function dateText(date: Date): string {
  const [day, month, of, year] = date.toDateString().split(' ')
  return [day, month, String(Number(of)).padStart(2), date.toTimeString().slice(0, 8), year].join(
    ' ',
  )
}

/** What the only node has. */
export const node = (() => {
  const nodes = (JSON.parse(recorded('node-offline').stdout) as { nodes: Attributes }).nodes
  const { resources_available } = Object.values(nodes)[0] as { resources_available: Attributes }
  return {
    cores: Number(resources_available.ncpus),
    memoryKb: Number.parseInt(String(resources_available.mem), 10),
  }
})()
