import { userInfo } from 'node:os'
import type { Configuration } from '../../config/index.ts'
import { inspectStore, type StoreInspection } from '../../store/index.ts'
import { keysOfEnvironment, policyOf } from '../parts.ts'
import { type Finding, type Found, ok, warning } from './checkup.ts'

/** Opens the records, read-only, and every secret in them. Facts null: there is no file. */
export async function checkRecords(
  configuration: Configuration,
  workingDirectory: string,
): Promise<Found<StoreInspection | null>> {
  const policy = policyOf(configuration)
  const facts = inspectStore({
    url: policy.db_url,
    encryptKeys: policy.db_encrypt_keys ?? keysOfEnvironment(),
    workingDirectory,
  })
  return { finding: recordsFinding(facts), facts }
}

function recordsFinding(found: StoreInspection | null): Finding {
  if (found === null)
    return warning(
      'The records are in memory: whether a gateway runs cannot be seen from here, and a crash forgets all clusters',
      'Set DBBackendBase.db_url to a file.',
    )
  if (found.warnings.length > 0)
    return warning(
      `${found.warnings.join('; ')}`,
      'Take that right away: chmod go-rwx, and chmod go-w for a directory.',
    )
  if (found.records === null)
    return ok(`${found.path} is not there yet; the first start makes it, with its key`)
  const { clusters } = found.records
  const live = clusters.filter(({ status }) => status !== 'stopped' && status !== 'failed').length
  return ok(
    `${found.path} is whole, and its key opens every secret; ${live} of ${clusters.length} recorded clusters live`,
  )
}

/** Whether this command has the account of the gateway: else much of what it sees is not what the gateway sees. */
export async function checkAccount(found: StoreInspection): Promise<Finding> {
  const { uid, username } = userInfo()
  if (uid === found.owner) return ok(`This runs as ${username}, as whom the gateway's files are`)
  return warning(
    `This runs as ${username} (uid ${uid}), but ${found.records === null ? 'the directory of the records' : found.path} belongs to uid ${found.owner}: programs and permissions may differ from what the gateway finds`,
    `Run it as the gateway's account: sudo -u '#${found.owner}' dask-gateway-server doctor …`,
  )
}

/** Whether a gateway runs on these records. */
export async function checkRunning(found: StoreInspection): Promise<Finding> {
  const { holder, path } = found
  if (holder !== null)
    return ok(
      `A gateway runs here: process ${holder.pid}, since ${new Date(holder.since).toISOString()}`,
    )
  return warning(
    `No gateway runs on ${path}: the ways to it were not tried`,
    'Start it and run this again.',
  )
}
