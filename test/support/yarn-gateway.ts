import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { hadoopPlaces, runAs } from './hadoop.ts'
import { QueueGateway, users } from './queue-gateway.ts'

interface Application {
  readonly id: string
  readonly user: string
  readonly state: string
  readonly applicationTags: string
}

const withKerberos = process.env.HADOOP_SECURITY === 'kerberos'

/** A gateway on a machine with Hadoop, with what the guide has for Kerberos where there is one. */
export class YarnGateway extends QueueGateway {
  constructor({ name, config = '' }: { readonly name: string; readonly config?: string }) {
    const kerberos = withKerberos
      ? `
c.YarnBackend.keytab = "${hadoopPlaces.daskKeytab}"
c.YarnBackend.principal = "dask"
`
      : ''
    super({ name, backend: 'yarn.YarnBackend', config: `${kerberos}${config}` })
  }

  /** Its applications that have not ended. */
  async applications(): Promise<readonly Application[]> {
    const query = `states=NEW,NEW_SAVING,SUBMITTED,ACCEPTED,RUNNING&applicationTags=dg-${this.instanceId()}`
    const url = `${hadoopPlaces.resourceManagerWeb}/ws/v1/cluster/apps?${query}`
    const response = await fetch(url, { signal: AbortSignal.timeout(20_000) })
    const { apps } = (await response.json()) as {
      readonly apps: { readonly app: readonly Application[] } | null
    }
    return apps?.app ?? []
  }

  /** What `doctor` prints of it, beside it, with its white space as single spaces. */
  async doctor(...options: readonly string[]): Promise<string> {
    const program = '/opt/dask-gateway/bin/dask-gateway-server'
    const file = join(this.directory, 'config.py')
    const command = `cd ${this.directory}; exec ${program} doctor -f ${file} ${options.join(' ')}`
    const { stdout, stderr } = await runAs('dask', ['bash', '-c', command])
    console.log(stdout, stderr)
    return stdout.replace(/\s+/g, ' ')
  }

  override async balance(): Promise<void> {
    await this.until('no application to be left', async () => {
      return (await this.applications()).length === 0
    })
    const notes = readdirSync(this.notes)
    if (notes.includes('twice')) throw new Error('something ran twice')
    for (const user of users)
      await this.until('all to be ended', async () => {
        const path = '?status=pending,running,stopping'
        return Object.keys(await this.json<object>(user, path)).length === 0
      })
    const files = readdirSync(join(this.directory, 'dask_gateway.sqlite.d', 'applications'))
    if (files.length > 0) throw new Error(`files of applications are left: ${files}`)
  }
}
