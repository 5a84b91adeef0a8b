// `scripts/bench [ROW …] [--quick]`: measures rows one after the other; what was measured in full goes to docs/benchmarks.md.
import { loadavg } from 'node:os'
import { buildPrograms, withBench } from './bench.ts'
import { tableOf, writeSection } from './page.ts'
import type { Row } from './row.ts'
import { bulk } from './rows/bulk.ts'
import { clusters } from './rows/clusters.ts'
import { create } from './rows/create.ts'
import { dashboards } from './rows/dashboards.ts'
import { hadoop } from './rows/hadoop.ts'
import { hadoopCalls } from './rows/hadoop-calls.ts'
import { newCluster } from './rows/new-cluster.ts'
import { options } from './rows/options.ts'
import { ownShare } from './rows/own-share.ts'
import { records } from './rows/records.ts'
import { slurm } from './rows/slurm.ts'
import { start } from './rows/start.ts'
import { tunnels } from './rows/tunnels.ts'

const rows: readonly Row[] = [
  options,
  clusters,
  create,
  start,
  ownShare,
  newCluster,
  slurm,
  hadoop,
  dashboards,
  tunnels,
  bulk,
  records,
  hadoopCalls,
]

const parameters = process.argv.slice(2)
const quick = parameters.includes('--quick')
const names = parameters.filter((each) => each !== '--quick')
const unknown = names.filter((name) => !rows.some((row) => row.name === name))
if (unknown.length > 0) {
  console.error(
    `There is no row ${unknown.join(', ')}; there are: ${rows.map((row) => row.name).join(', ')} (and --quick)`,
  )
  process.exit(2)
}

const stopped = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => stopped.abort(new Error(`stopped by ${signal}`)))

await buildPrograms()
const amount = quick ? { rounds: 1, loadSeconds: 1 } : { rounds: 5, loadSeconds: 2 }
for (const row of rows) {
  if (names.length > 0 && !names.includes(row.name)) continue
  console.log(`\n==> ${row.name}`)
  try {
    const [loadBefore = Number.NaN] = loadavg()
    const bench = { ...amount, quick, signal: stopped.signal }
    const figures = await withBench(bench, (given) => row.measure(given))
    console.log(tableOf(figures))
    if (!quick) writeSection(row, figures, { rows, loadBefore })
  } catch (error) {
    process.exitCode = 1
    console.error(`${row.name} could not be measured:`, error)
    if (stopped.signal.aborted) break
  }
}
