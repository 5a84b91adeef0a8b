import { userOf } from './accounts.ts'
import { Job, type Request } from './job.ts'
import { type Answer, answerAs, recorded } from './recorded.ts'
import { knownResources, Resources } from './resources.ts'
import type { Call } from './server.ts'
import type { Settings } from './settings.ts'

/** Takes a job, or answers as a real server refused one. */
export function qsub(
  call: Call,
  settings: Settings,
  jobs: readonly Job[],
  number: number,
): Job | Answer {
  const request = parse(call)
  if (!('options' in request)) return request
  const { options } = request
  const missing = options.v?.split(',').find((name) => !(name in call.environment))
  if (missing !== undefined) return answerAs('qsub-err-envmissing')
  if (options.J !== undefined && options.r === 'n') return answerAs('array-norerun-refused')
  if (options.J !== undefined) return answerAs('array-size1')
  const queue = options.q ?? Object.keys(settings.queues)[0] ?? ''
  const limits = settings.queues[queue]
  if (limits === undefined) return answerAs('qsub-err-queue')
  const { resources } = request
  for (const { name, value } of resources.asked) {
    if (!knownResources.includes(name)) return answerAs('qsub-err-resource', { nosuchres: name })
    if (name === 'ncpus' && !/^\d+$/.test(value)) return answerAs('qsub-err-syntax')
  }
  if (call.uid === 0) return answerAs('qsub-err-root')
  const owner = userOf(call.uid)
  if (limits.enabled === false) return answerAs('queue-disabled')
  if (limits.users !== undefined && !limits.users.includes(owner.name)) return answerAs('queue-acl')
  if (resources.cores > (limits.mostCores ?? Infinity)) return answerAs('queue-max-ncpus')
  if ((resources.walltimeSeconds ?? 0) > (limits.longestSeconds ?? Infinity))
    return answerAs('queue-max-walltime')
  const theirs = jobs.filter((job) => job.state !== 'F' && job.owner.uid === call.uid)
  if (theirs.length >= (settings.jobsPerUser ?? Infinity)) return answerAs('maxq3')
  return new Job(number, { ...request, queue }, owner)
}

const withValue = 'aAcCeJjklmMNopPqrRSuvW'
const flags = 'fhIVXz'
/** What does not change anything that is looked at here. */
const unheard = 'aCcefImMpuVX'

/** As getopt(3) does. */
function parse(call: Call): Request | Answer {
  const options: { [letter: string]: string } = {}
  const lists: string[] = []
  const attributes: { [name: string]: string } = {}
  const invalid: string[] = []
  const rest = [...call.argv]
  let executable: readonly string[] | null = null
  while (rest[0]?.startsWith('-')) {
    const word = rest.shift() ?? ''
    if (word === '--') {
      executable = rest.splice(0)
      break
    }
    for (let at = 1; at < word.length; at += 1) {
      const letter = word[at] ?? ''
      if (unheard.includes(letter)) throw new Error(`qsub -${letter} is not known here`)
      if (flags.includes(letter)) options[letter] = ''
      else if (!withValue.includes(letter)) invalid.push(letter)
      else {
        const value = word.slice(at + 1) || (rest.shift() ?? '')
        if (letter === 'l') lists.push(value)
        else if (letter === 'W') Object.assign(attributes, attributesIn(value))
        else options[letter] = value
        break
      }
    }
  }
  if (invalid.length > 0) return usage(invalid)
  if (rest.length > 0) throw new Error('a script that is a file is not known here')
  return { call, options, attributes, executable, resources: new Resources(lists), queue: '' }
}

/** `name=value,name=value`, where a value may hold commas: a name begins after the last one before its `=`. */
function attributesIn(text: string): { [name: string]: string } {
  return Object.fromEntries(
    text.split(/,(?=\w+=)/).map((each) => {
      const [name = '', ...value] = each.split('=')
      return [name, value.join('=')]
    }),
  )
}

function usage(letters: readonly string[]): Answer {
  const { returncode, stderr } = recorded('qsub-err-option')
  const [line = '', , ...help] = stderr.split('\n')
  const lines = letters.map((letter) => line.replace("'-'", () => `'${letter}'`))
  return { returncode, stdout: '', stderr: [...lines, ...help].join('\n') }
}
