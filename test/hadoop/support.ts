import { type HadoopClientOptions, type Login, readConfiguration } from '../../src/hadoop/index.ts'
import { createInitiator } from '../../src/kerberos/index.ts'
import { hadoopPlaces } from '../support/hadoop.ts'

/** Inside a machine with Hadoop: how the gateway's own user logs in there. */
export function daskLogin(security: 'simple' | 'kerberos'): Login {
  if (security === 'simple') return { kind: 'simple', user: 'dask' }
  const initiator = createInitiator({ keytab: hadoopPlaces.daskKeytab, principal: 'dask' })
  return { kind: 'kerberos', initiator }
}

export async function clientOptions(login: Login): Promise<HadoopClientOptions> {
  return { configuration: await readConfiguration(hadoopPlaces.configuration), login }
}
