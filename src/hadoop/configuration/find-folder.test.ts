import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { findConfigurationFolder } from './find-folder.ts'

test('the places are looked at in their order, and all are named when there is none', async (t) => {
  const base = await mkdtemp(join(tmpdir(), 'conf-'))
  t.after(() => rm(base, { recursive: true }))
  const place = async (name: string) => {
    const folder = join(base, name)
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'core-site.xml'), '<configuration/>')
    return folder
  }
  const [first, second, classpath] = [
    await place('first'),
    await place('second'),
    await place('cp'),
  ]
  const home = join(base, 'home')
  const inHome = await place('home/etc/hadoop')
  const command = join(base, 'yarn')
  await writeFile(command, `#!/bin/sh\n[ "$1" = classpath ] && echo "${classpath}:/lib/*"\n`)
  await chmod(command, 0o755)

  const found = async (environment: NodeJS.ProcessEnv) => {
    const { folder, from } = await findConfigurationFolder({ environment })
    return [folder, from]
  }
  const HADOOP_CONF_DIR = first
  const both = { HADOOP_CONF_DIR, YARN_CONF_DIR: second, HADOOP_HOME: home }
  assert.deepEqual(await found(both), [first, 'HADOOP_CONF_DIR'])
  assert.deepEqual(await found({ ...both, HADOOP_CONF_DIR: base }), [second, 'YARN_CONF_DIR'])
  assert.deepEqual(await found({ HADOOP_HOME: home }), [inHome, '$HADOOP_HOME/etc/hadoop'])
  // /etc/hadoop/conf is the machine's, which may have one.
  const [folder, from] = await found({ PATH: `${base}:/bin` }).catch(() => [])
  if (from !== 'the usual place') assert.deepEqual([folder, from], [classpath, '`yarn classpath`'])

  const setting = (name: string) => ({
    name: 'YarnBackend.hadoop_conf_dir',
    folder: join(base, name),
  })
  assert.deepEqual(await findConfigurationFolder({ setting: setting('cp'), environment: both }), {
    folder: classpath,
    from: 'YarnBackend.hadoop_conf_dir',
  })
  await assert.rejects(
    findConfigurationFolder({ setting: setting('none'), environment: both }),
    /was not found; tried YarnBackend.hadoop_conf_dir \(.*none: there is no core-site.xml/,
  )
  await writeFile(command, '#!/bin/sh\nexit 3\n')
  if (from !== 'the usual place')
    await assert.rejects(
      found({ HADOOP_CONF_DIR: base, PATH: `${base}:/bin` }),
      /HADOOP_CONF_DIR \(.*\), YARN_CONF_DIR \(not set\), \$HADOOP_HOME\/etc\/hadoop \(not set\), the usual place \(.*\), `yarn classpath` \(it ended with 3\)/,
    )
})
