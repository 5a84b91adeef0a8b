// In place of a server, a scheduler and a node of PBS, for machines that have none: takes the calls of `command`, and runs jobs as
// their owners. As root, on a machine of its own only. README.md says what it knows.
import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import type { Job } from './job.ts'
import { qdel } from './qdel.ts'
import { qstat } from './qstat.ts'
import { qsub } from './qsub.ts'
import type { Answer } from './recorded.ts'
import { schedule } from './schedule.ts'
import { place, readSettings } from './settings.ts'

export interface Call {
  readonly name: string
  readonly argv: readonly string[]
  readonly cwd: string
  readonly environment: Readonly<Record<string, string>>
  readonly stdin: string
  readonly uid: number
}

const jobs: Job[] = []
let next = 0

function answer(call: Call): Answer {
  const settings = readSettings()
  switch (call.name) {
    case 'qsub': {
      const taken = qsub(call, settings, jobs, next)
      if ('returncode' in taken) return taken
      next += 1
      jobs.push(taken)
      return { returncode: 0, stdout: `${taken.id}\n`, stderr: '' }
    }
    case 'qstat':
      return qstat(call, settings, jobs)
    case 'qdel':
      return qdel(call, settings, jobs)
    default:
      throw new Error(`${call.name} is not known here`)
  }
}

function take(name: string): Call {
  const path = `${place}/calls/${name}`
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    return { ...JSON.parse(readFileSync(file, 'utf8')), uid: fstatSync(file).uid } as Call
  } finally {
    closeSync(file)
    unlinkSync(path)
  }
}

function answered(name: string): Answer {
  try {
    return answer(take(name))
  } catch (error) {
    // No status of PBS: a test that meets it is to fail.
    return { returncode: 99, stdout: '', stderr: `pbs-commands: ${String(error)}\n` }
  }
}

for (const folder of ['calls', 'jobs', 'spool'])
  mkdirSync(`${place}/${folder}`, { recursive: true })
const server = createServer((socket) => {
  let text = ''
  socket.setEncoding('utf8')
  socket.on('error', () => undefined)
  socket.on('data', (chunk: string) => {
    text += chunk
    if (!text.endsWith('\n')) return
    socket.end(JSON.stringify(answered(text.trim())))
    schedule(jobs, readSettings())
  })
})
server.listen(`${place}/socket`, () => writeFileSync(`${place}/ready`, ''))
// Jobs end, and settings change.
setInterval(() => schedule(jobs, readSettings()), 100)
