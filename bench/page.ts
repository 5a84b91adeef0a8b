import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { arch, cpus, release } from 'node:os'
import { join } from 'node:path'
import { root } from './bench.ts'
import type { Figure, Row } from './row.ts'

const page = join(root, 'docs/benchmarks.md')

const intro = `# How fast it is

The old server (\`dask-gateway-server[local]==2026.3.0\`, from PyPI, with its Go proxy) beside ours, in one run on one machine and on
loopback. Each figure is the median of five samples, which both give in turn. *Ours is better by* is how many times: above 1, ours is
better, whichever way the figure counts. Rates vary between runs on a shared machine; CPU varies little and is the figure to compare.
CPU is that of all processes of a server, its proxy and its helpers, out of \`/proc\`, unless the row says otherwise.

To repeat it: \`npm run bench\` (about 15 minutes, as root on Debian, or with \`wrk\`, \`haproxy\` and a Python 3.10 installed), or some rows
of it: \`npm run bench -- options tunnels\`. With \`--quick\` it does a small part once, to see that it runs, and writes nothing. A row
that is measured anew replaces its section here.
`

const shortfalls = `## What falls short, and why

Found with \`node --cpu-prof\`.

- *Start of the gateway*, also with 1,000 clusters: ours computes where the old server mostly waits. Most of it is reading and compiling
  some hundreds of modules: kysely 120 ms of CPU, our settings 115, fastify 75, zod 60, prom-client 50, and about 190 for the proxy's
  process, which begins meanwhile. Fewer, larger files (a bundle) would help most.
- *Requests to a dashboard*: ours are checked and pass two processes. The hop costs 40 to 50 µs; of the gateway's part, most is two writes
  to sockets and \`node:http\`'s objects for a request at either side.
- *Memory*: two Node processes have 80 to 100 MB before any cluster, and V8 lets a heap grow before it collects. A cluster costs about 18 kB, in the
  old server 8.
- *\`scale(4)\`*: the start of four Pythons on two cores; the gateway's part is lost in it.
`

/** Puts a row's section in its place on the page. `loadBefore`: what else the machine was doing. */
export function writeSection(
  row: Row,
  figures: readonly Figure[],
  { rows, loadBefore }: { readonly rows: readonly Row[]; readonly loadBefore: number },
): void {
  const text = existsSync(page) ? readFileSync(page, 'utf8') : ''
  const sections = new Map(
    text
      .split(/^(?=## )/m)
      .slice(1)
      .map((section) => [section.slice(3, section.indexOf('\n')), section.trimEnd()]),
  )
  sections.set(
    row.title,
    `## ${row.title}\n\n${row.note}\n\n${tableOf(figures)}\n\n${where(loadBefore)} (\`${row.name}\`)`,
  )
  const inOrder = rows.flatMap(({ title }) => sections.get(title) ?? [])
  writeFileSync(page, `${[intro.trimEnd(), ...inOrder, shortfalls.trimEnd()].join('\n\n')}\n`)
}

/** A Markdown table: a column for each who took part, and how much better ours is than the old server. */
export function tableOf(figures: readonly Figure[]): string {
  const contestants = [...new Set(figures.flatMap((each) => Object.keys(each.medians)))]
  const head = [
    '',
    ...contestants.map((name) => columnNames[name] ?? name),
    'Ours is better by',
    'Wanted',
  ]
  const lines = figures.map((figure) => [
    figure.what,
    ...contestants.map((name) => numberText(figure.medians[name])),
    betterText(figure),
    wantedText(figure),
  ])
  const rule = head.map((_, at) => (at === 0 ? '---' : '---:'))
  return [head, rule, ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

const columnNames: { readonly [contestant: string]: string } = {
  old: 'Old',
  ours: 'Ours',
  haproxy: 'HAProxy',
}

/** How many times better ours is than the old server; null: one of them has no figure. */
function factorOf({ medians, better }: Figure): number | null {
  const { old, ours } = medians
  if (old === undefined || ours === undefined) return null
  return better === 'more' ? ours / old : old / ours
}

function betterText(figure: Figure): string {
  const factor = factorOf(figure)
  if (factor === null || !Number.isFinite(factor)) return ''
  const missed =
    (figure.goal !== undefined && factor < figure.goal) ||
    (figure.limit !== undefined && (figure.medians.ours ?? 0) > figure.limit)
  return `${missed ? '**' : ''}${factor.toFixed(2)}×${missed ? ' (missed)**' : ''}`
}

function wantedText({ goal, limit }: Figure): string {
  const parts = [goal === undefined ? null : `${goal}×`, limit === undefined ? null : `≤ ${limit}`]
  return parts.filter((part) => part !== null).join(', ')
}

function numberText(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return ''
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en')
  return Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(2)
}

function where(loadBefore: number): string {
  const [processor] = cpus()
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
    cwd: root,
    encoding: 'utf8',
  })
  const date = new Date().toISOString().slice(0, 10)
  return `${date}, ${commit.trim()}, Node ${process.versions.node}, Linux ${release()} ${arch()}, ${cpus().length} × ${processor?.model.trim()}, load average before ${loadBefore.toFixed(1)}`
}
