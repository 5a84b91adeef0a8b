import { type ChildProcess, execFile, spawn } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { asUser } from './accounts.ts'
import type { Job } from './job.ts'
import { place } from './settings.ts'

const run = promisify(execFile)

/** Between SIGTERM and SIGKILL; ten seconds with PBS. */
const killDelayMs = 2000

/** `node_fail_requeue`, after which the server gives up jobs of a node that is down; 310 seconds with PBS. */
const nodeFailMs = 1000
/** pbs_job.h: the server did not reach the node (node_down_requeue in its node_manager.c). */
const nodeFailed = -20

/** Runs a job to its end, as its owner: stages in, starts it detached, and brings its output to where it was wanted. */
export async function runJob(job: Job): Promise<void> {
  job.become('staging', { stime: new Date() })
  if (!(await stageIn(job))) {
    job.become('waiting', { Execution_Time: new Date(Date.now() + 1_800_000) })
    return
  }
  if (job.deletedBy !== null) {
    job.become('deletedBefore')
    return
  }
  job.exitStatus = await execute(job)
  if (job.lost) {
    await delay(nodeFailMs)
    job.exitStatus = nodeFailed
    rmSync(job.directory === job.owner.home ? spool(job) : job.directory, {
      ...{ recursive: true, force: true },
    })
    job.become('failed', { obittime: new Date() })
    return
  }
  job.become('exiting', { obittime: new Date() })
  await deliver(job)
  if (job.deletedBy !== null) job.become('deleted')
  else if (job.late) job.become('overtime')
  else job.become(job.exitStatus === 0 ? 'finished' : 'failed')
}

/** Its node is gone at once, with all that runs on it. */
export function loseJob(job: Job): void {
  job.lost = true
  signalSession(job, 'SIGKILL')
}

/** Asks for its end, and later sees to it. */
export function killJob(job: Job): void {
  signalSession(job, 'SIGTERM')
  setTimeout(() => signalSession(job, 'SIGKILL'), killDelayMs).unref()
}

function signalSession({ session }: Job, signal: NodeJS.Signals): void {
  if (session === null) return
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name)))
    try {
      // The fields after the name of the program: state, parent, group, session.
      const [, , , of] = readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ')
      if (Number(of) === session) process.kill(Number(pid), signal)
    } catch {
      // It has ended.
    }
}

/** The user's copies, as the user, in a directory for this job alone. */
async function stageIn(job: Job): Promise<boolean> {
  const { attributes } = job.request
  const as = asUser(job.owner, { PATH: '/usr/bin:/bin' })
  const sh = (script: string, ...args: string[]) =>
    run(as[0] ?? '', [...as.slice(1), 'sh', '-c', script, 'sh', ...args])
  try {
    if (attributes.sandbox === 'PRIVATE') await sh('mkdir -m 700 "$1"', job.directory)
    for (const each of attributes.stagein?.split(',') ?? []) {
      const [, local = '', from, path = ''] = /^([^@]*)@([^:]*):(.*)$/.exec(each) ?? []
      if (from !== hostname()) return false
      await sh('cd "$1" && cp -p -- $3 "$2"', job.directory, local, path)
    }
    return true
  } catch {
    return false
  }
}

/** The exit status as PBS has it: 256 and more is a signal, below 0 is PBS itself. */
function execute(job: Job): Promise<number> {
  const { executable, options, resources } = job.request
  const [program] = executable ?? []
  if (program !== undefined && !existsSync(program)) return Promise.resolve(254)
  const output = openOutput(job)
  const script = `${place}/jobs/${job.id}.SC`
  // A login shell reads the path of the script, which it then runs: it is the shell that PBS waits for.
  const argv = executable ?? [options.S ?? job.owner.shell, '-l']
  const [first = '', ...rest] = [...asUser(job.owner, environmentOf(job)), ...argv]
  if (executable === null && job.request.call.stdin !== '') {
    writeFileSync(script, job.request.call.stdin, { mode: 0o700 })
    chownSync(script, job.owner.uid, job.owner.gid)
  }
  const stdio = ['pipe', output, output] as const
  const child: ChildProcess = spawn(first, rest, {
    detached: true,
    cwd: job.owner.home,
    stdio: [...stdio],
  })
  closeSync(output)
  job.session = child.pid ?? null
  job.become('running')
  child.stdin?.on('error', () => undefined)
  const cd = executable === null && job.directory !== job.owner.home ? `cd ${job.directory};` : ''
  child.stdin?.end(executable === null ? `${cd}${script}\n` : '')
  const limitSeconds = resources.walltimeSeconds
  const timer = setTimeout(
    () => {
      job.late = true
      killJob(job)
    },
    (limitSeconds ?? 2_000_000) * 1000,
  )
  return new Promise((resolve) =>
    child.once('exit', (code, signal) => {
      clearTimeout(timer)
      signalSession(job, 'SIGKILL')
      rmSync(script, { force: true })
      resolve(job.late ? -29 : (code ?? 256 + signalNumber(signal)))
    }),
  )
}

function signalNumber(signal: NodeJS.Signals | null): number {
  return { SIGTERM: 15, SIGKILL: 9, SIGINT: 2, SIGHUP: 1, SIGSEGV: 11 }[String(signal)] ?? 6
}

function environmentOf(job: Job): Record<string, string> {
  const { call, options } = job.request
  const { PBS_O_HOST, PBS_O_QUEUE, ...told } = job.attributes().Variable_List as Record<
    string,
    string
  >
  return {
    ...told,
    ...{ PBS_O_HOST: String(PBS_O_HOST), PBS_O_QUEUE: String(PBS_O_QUEUE) },
    ...{ HOME: job.owner.home, LOGNAME: job.owner.name, USER: job.owner.name },
    ...{ SHELL: job.owner.shell, PATH: '/bin:/usr/bin', PBS_ENVIRONMENT: 'PBS_BATCH' },
    ...{ PBS_JOBID: job.id, PBS_JOBNAME: options.N ?? 'STDIN', PBS_JOBDIR: job.directory },
    ...{ NCPUS: String(job.request.resources.cores), PBS_O_WORKDIR: call.cwd },
  }
}

const spool = (job: Job) => `${place}/spool/${job.id}.OU`

/** With `-k od` it is written where it is wanted; else it is brought there at the end. */
function openOutput(job: Job): number {
  const path = isDirect(job) ? pathOf(job.outputPath) : spool(job)
  const descriptor = openSync(path, 'w', 0o600)
  if (path === '/dev/null') return descriptor
  chownSync(path, job.owner.uid, job.owner.gid)
  chmodSync(path, 0o600)
  return descriptor
}

const isDirect = ({ request }: Job) => request.options.k?.includes('d') === true
const pathOf = (output: string) => output.slice(output.indexOf(':') + 1)

async function deliver(job: Job): Promise<void> {
  const { j, R } = job.request.options
  const wanted = j === 'eo' ? job.errorPath : job.outputPath
  const as = asUser(job.owner, { PATH: '/usr/bin:/bin' })
  if (!isDirect(job)) {
    if (R === undefined && existsSync(spool(job)))
      // What cannot be brought stays with the node, as with PBS.
      await run(as[0] ?? '', [...as.slice(1), 'cp', '--', spool(job), pathOf(wanted)]).catch(
        () => undefined,
      )
    rmSync(spool(job), { force: true })
  }
  if (job.request.attributes.sandbox === 'PRIVATE')
    rmSync(job.directory, { recursive: true, force: true })
}
