import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { HadoopError, messageOf } from '../errors.ts'
import { type Property, readProperties } from './read-xml.ts'

/** Hadoop's configuration: what its files say, with `${variables}` put in, and defaults. */
export interface Configuration {
  /** Where it was read from, for messages. */
  readonly folder: string
  /** Undefined: nobody has set it, and there is no default. White space around is cut off. */
  get(name: string): string | undefined
  /** A list, by commas. */
  list(name: string): readonly string[]
  flag(name: string): boolean
}

/** As core-default.xml, hdfs-default.xml and yarn-default.xml of 3.4.3, of what is read here. */
const defaults: Readonly<Record<string, string>> = {
  'fs.defaultFS': 'file:///',
  'hadoop.security.authentication': 'simple',
  'hadoop.rpc.protection': 'authentication',
  'hadoop.security.token.service.use_ip': 'true',
  'dfs.client.use.datanode.hostname': 'false',
  'yarn.resourcemanager.hostname': '0.0.0.0',
  'yarn.resourcemanager.ha.enabled': 'false',
  'yarn.acl.enable': 'false',
}

const files = ['core-site.xml', 'hdfs-site.xml', 'yarn-site.xml']
const deprecated: Readonly<Record<string, string>> = { 'fs.default.name': 'fs.defaultFS' }
const maximumSubstitutions = 20

/** Reads the files of a folder; those that are not there say nothing, but one must be. Throws HadoopError `configuration`. */
export async function readConfiguration(
  folder: string,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<Configuration> {
  const read: (readonly Property[])[] = []
  for (const name of files) {
    const file = join(folder, name)
    const xml = await readFile(file).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') return null
      throw new HadoopError('configuration', `${file} cannot be read: ${messageOf(cause)}`, {
        cause,
      })
    })
    if (xml !== null) read.push(readProperties(xml, file))
  }
  if (read.length === 0)
    throw new HadoopError('configuration', `${folder} has none of ${files.join(', ')}`)
  return configurationOf(folder, read.flat(), environment)
}

/** Properties in the order of their files: the last one counts, unless an earlier one is final. */
export function configurationOf(
  folder: string,
  properties: readonly Property[],
  environment: NodeJS.ProcessEnv = {},
): Configuration {
  const values = new Map(Object.entries(defaults))
  const final = new Set<string>()
  for (const { name: written, value, isFinal } of properties) {
    const name = deprecated[written] ?? written
    if (final.has(name)) continue
    values.set(name, value)
    if (isFinal) final.add(name)
  }
  const variable = (name: string): string | undefined => {
    const [, ofEnvironment, colon, otherwise] = /^env\.([^:-]+)(?:(:?-)(.*))?$/s.exec(name) ?? []
    if (ofEnvironment !== undefined) {
      const value = environment[ofEnvironment]
      return value === undefined || (value === '' && colon === ':-') ? otherwise : value
    }
    if (name === 'user.name') return environment.USER
    if (name === 'user.home') return environment.HOME
    return values.get(name)
  }
  const get = (name: string): string | undefined => {
    let value = values.get(name)
    if (value === undefined) return undefined
    for (let count = 0; count < maximumSubstitutions; count += 1) {
      const found: RegExpExecArray | null = /\$\{([^{}$\s]+)\}/.exec(value)
      const replacement = found === null ? undefined : variable(found[1] ?? '')
      // As Hadoop: what is unknown stays as it is.
      if (found === null || replacement === undefined) return value.trim()
      value = value.replace(found[0], () => replacement)
      if (value.length > 65536) break
    }
    throw new HadoopError('configuration', `${name} (${folder}) refers to itself`)
  }
  return {
    folder,
    get,
    list: (name) =>
      (get(name) ?? '')
        .split(',')
        .map((each) => each.trim())
        .filter((each) => each !== ''),
    flag: (name) => get(name)?.toLowerCase() === 'true',
  }
}
