import { execFile } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { delimiter, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { HadoopError } from '../errors.ts'

const run = promisify(execFile)
const classpathLimitMs = 30_000

export interface FindOptions {
  /** Where a setting says that it is; nothing else is looked at then. */
  readonly setting?: { readonly name: string; readonly folder: string } | undefined
  readonly environment?: NodeJS.ProcessEnv
}

/**
 * The folder with Hadoop's configuration, and where that is known from: a setting, HADOOP_CONF_DIR, YARN_CONF_DIR,
 * $HADOOP_HOME/etc/hadoop, /etc/hadoop/conf, or the first entry of `yarn classpath`. Throws HadoopError `configuration` with all that was
 * tried.
 */
export async function findConfigurationFolder({
  setting,
  environment = process.env,
}: FindOptions = {}): Promise<{ readonly folder: string; readonly from: string }> {
  const { HADOOP_CONF_DIR, YARN_CONF_DIR, HADOOP_HOME } = environment
  const places: (readonly [from: string, folder: string | undefined])[] =
    setting === undefined
      ? [
          ['HADOOP_CONF_DIR', HADOOP_CONF_DIR],
          ['YARN_CONF_DIR', YARN_CONF_DIR],
          ['$HADOOP_HOME/etc/hadoop', HADOOP_HOME && join(HADOOP_HOME, 'etc/hadoop')],
          ['the usual place', '/etc/hadoop/conf'],
        ]
      : [[setting.name, setting.folder]]
  const tried: string[] = []
  for (const [from, folder] of places) {
    if (folder === undefined || folder === '') tried.push(`${from} (not set)`)
    else if (await isConfiguration(folder)) return { folder: resolve(folder), from }
    else tried.push(`${from} (${folder}: there is no core-site.xml or yarn-site.xml)`)
  }
  if (setting === undefined) {
    const { folder, why } = await firstOfClasspath(environment)
    if (folder !== undefined && (await isConfiguration(folder)))
      return { folder: resolve(folder), from: '`yarn classpath`' }
    tried.push(
      `\`yarn classpath\` (${why ?? `${folder}: there is no core-site.xml or yarn-site.xml`})`,
    )
  }
  throw new HadoopError(
    'configuration',
    `Hadoop's configuration was not found; tried ${tried.join(', ')}`,
  )
}

async function isConfiguration(folder: string): Promise<boolean> {
  for (const name of ['core-site.xml', 'yarn-site.xml']) {
    const found = await stat(join(folder, name)).catch(() => null)
    if (found?.isFile()) return true
  }
  return false
}

async function firstOfClasspath(
  environment: NodeJS.ProcessEnv,
): Promise<{ readonly folder?: string | undefined; readonly why?: string }> {
  try {
    const { stdout } = await run('yarn', ['classpath'], {
      timeout: classpathLimitMs,
      killSignal: 'SIGKILL',
      maxBuffer: 1 << 20,
      env: environment,
    })
    return { folder: stdout.trim().split(delimiter)[0] }
  } catch (error) {
    const { code, killed } = error as { readonly code?: unknown; readonly killed?: boolean }
    if (code === 'ENOENT') return { why: 'there is no command yarn' }
    return {
      why: killed ? `no answer within ${classpathLimitMs / 1000} s` : `it ended with ${code}`,
    }
  }
}
