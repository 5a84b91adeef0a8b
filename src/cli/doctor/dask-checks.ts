import { open } from 'node:fs/promises'
import { basename } from 'node:path'
import * as z from 'zod'
import type { BackendDriver, Rehearsal } from '../../backends/index.ts'
import type { Configuration } from '../../config/index.ts'
import { driverOf } from '../parts.ts'
import { type Finding, type Found, failed, ok, warning } from './checkup.ts'

/** The packages that a command would run, by name; null: missing. */
export type Versions = { readonly [name: string]: string | null }

/** Which Dask a command of the configuration would run here, as the account and with the environment that it would have. */
export async function checkCommand(
  role: 'scheduler' | 'worker',
  configuration: Configuration,
  username: string | null,
  signal: AbortSignal,
): Promise<Finding | Found<Versions>> {
  const driver: BackendDriver = driverOf(configuration)
  const { settings } = configuration.clusterSettings(driver.clusterSettings)({})
  if (driver.rehearse === undefined)
    return warning(
      `${role}_cmd is run elsewhere or by a backend that cannot be asked (${driver.settings.name})`,
      'See there that its Python has dask, distributed, dask-gateway and bokeh.',
    )
  // Its clusters have the account of their user, and there is no user here.
  if (driver.runsAsUser === true && username === null)
    return warning(
      `${role}_cmd is run as the user of each cluster: it was not tried`,
      'Name one with --user NAME, as root.',
    )
  const values = configuration.get(driver.settings)
  const rehearsal = await driver.rehearse(values, role, settings, username, signal)
  const program = rehearsal.argv[0] ?? ''
  const python = await pythonOf(program)
  if (python === null)
    return warning(
      `${role}_cmd runs ${program}, which names no Python: its versions cannot be told`,
      'See that the Python in it has dask, distributed, dask-gateway and bokeh.',
    )
  const found = await versionsIn(python, rehearsal, signal)
  if ('result' in found) return found
  const { versions, problems } = found
  const as = rehearsal.accountName === null ? '' : ` as ${rehearsal.accountName}`
  const what = `${role}_cmd runs ${program}${as}`
  const finding = judgeVersions(what, python.join(' '), versions, rehearsal.note)
  return { finding: { ...finding, details: problems }, facts: versions }
}

const required = ['dask', 'distributed', 'dask_gateway'] as const

/** Pure: what the versions mean. */
export function judgeVersions(
  what: string,
  python: string,
  versions: Versions,
  note: string | null,
): Finding {
  const list = Object.entries(versions)
    .filter(([, version]) => version !== null)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ')
  const missing = required.filter((name) => versions[name] === null)
  const install = (names: readonly string[]) =>
    `Install it there: ${python} -m pip install ${names.map((name) => name.replace('_', '-')).join(' ')}`
  if (missing.length > 0)
    return failed(
      `${what}, and ${missing.join(', ')} ${missing.length > 1 ? 'are' : 'is'} missing in its Python, ${python}: no cluster can start (${list || 'none of the packages is there'})`,
      install(missing),
    )
  if (versions.bokeh === null)
    return warning(
      `${what} with ${list}; without bokeh there are no dashboards`,
      install(['bokeh']),
    )
  if (note !== null) return warning(`${note} (${list})`, 'Name it in the configuration.')
  return ok(`${what} with ${list}`)
}

/** Pure: whether scheduler and workers fit together. */
export function judgePair(scheduler: Versions, worker: Versions): Finding {
  const differing = Object.keys(scheduler).filter((name) => scheduler[name] !== worker[name])
  if (differing.length === 0) return ok('Schedulers and workers run the same versions')
  const list = differing.map((name) => `${name}: ${scheduler[name]} and ${worker[name]}`)
  return warning(
    `Schedulers and workers run different versions (${list.join('; ')})`,
    'Give both the same Python environment.',
  )
}

/** The Python (with its options) behind a program: itself, or the one that its first line names; null: not to be seen. */
export async function pythonOf(program: string): Promise<readonly string[] | null> {
  if (isPython(program)) return [program]
  return interpreterIn(await firstBytes(program))
}

/** Pure. Where env(1) is to look for it, it is left to do so. */
export function interpreterIn(text: string): readonly string[] | null {
  const [, interpreter = '', rest = ''] = /^#! *(\S+)[ \t]*(.*)/.exec(text) ?? []
  if (isPython(interpreter)) return [interpreter]
  // What pip writes where the path is too long for a first line: a text that sh and Python both understand.
  const long = /^'''exec' "?([^"\n]+?)"? "\$0" "\$@"/m.exec(text)?.[1]
  if (basename(interpreter) === 'sh' && long !== undefined && isPython(long)) return [long]
  const named = rest.split(/\s+/).findLast((word) => isPython(word))
  if (basename(interpreter) !== 'env' || named === undefined) return null
  return ['/usr/bin/env', named]
}

function isPython(path: string): boolean {
  return /^(python|pypy)[\d.]*$/.test(basename(path))
}

async function firstBytes(path: string): Promise<string> {
  const file = await open(path).catch(() => null)
  if (file === null) return ''
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2048), 0, 2048, 0)
    return buffer.toString('latin1', 0, bytesRead)
  } finally {
    await file.close()
  }
}

// Imports them, as a scheduler would: what is installed but broken counts as missing, with the reason.
const program = `
import importlib, importlib.metadata, json, sys
found = {"python": "%d.%d.%d" % sys.version_info[:3]}
problems = []
for name in ["dask", "distributed", "dask_gateway", "bokeh"]:
    try:
        module = importlib.import_module(name)
        found[name] = getattr(module, "__version__", None) or importlib.metadata.version(name)
    except BaseException as error:
        found[name] = None
        if not (isinstance(error, ModuleNotFoundError) and error.name == name):
            problems.append("%s: %s: %s" % (name, type(error).__name__, error))
print("\\n" + json.dumps({"versions": found, "problems": problems}))
`
const reply = z.object({
  versions: z.record(z.string(), z.string().nullable()),
  problems: z.array(z.string()),
})

async function versionsIn(
  python: readonly string[],
  rehearsal: Rehearsal,
  signal: AbortSignal,
): Promise<z.infer<typeof reply> | Finding> {
  const ran = await rehearsal.run([...python, '-c', program], signal)
  const line = ran.output.trim().split('\n').at(-1) ?? ''
  if (ran.status !== 0 || !line.startsWith('{')) {
    const said = ran.errors.trim().split('\n').at(-1) ?? ''
    return failed(
      `${python.join(' ')} cannot be run${rehearsal.accountName === null ? '' : ` as ${rehearsal.accountName}`}: ${said || `it ended with status ${ran.status}`}`,
      'See that this account may enter its directories and run it.',
    )
  }
  return reply.parse(JSON.parse(line))
}
