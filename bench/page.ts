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

To repeat it: \`npm run bench\` (about half an hour, on an otherwise quiet machine). As root on Debian it installs what is missing and says so: \`wrk\` and
\`haproxy\` from Debian, and from PyPI the old server into \`.venv-old\` and \`.venv-old-yarn\` and Dask with the client into \`.venv\`; others install \`wrk\`, \`haproxy\` and a
Python of 3.10 or later before. The rows with a Slurm or a Hadoop of their own need root, and install those as the tests do. Some rows of it: \`npm run bench -- options tunnels\`.
With \`--quick\` it does a small part once, to see that it runs, and writes nothing. A row that is measured anew replaces its section here.
`

const shortfalls = `## What falls short, and why

Found with \`node --cpu-prof\`.

- *\`GET options\` during \`POST clusters\`*: all requests share one thread. Before the database was written in a thread of its own, each hundred
  clusters made two checkpoints there (three fsyncs, 1 to 10 ms each), and SQLite took 0.9 ms of each POST; sealing its secrets at each of three
  commits another 0.7. What is left there of a POST is 1.2 to 1.8 ms of 2.3 to 3.8 (same moments of one loaded machine): keys and certificate
  0.7, the answer, and the messages to the thread. A request that comes meanwhile waits for that.
- *Requests to a dashboard*: ours are checked and pass two processes. The hop costs 40 to 50 µs; of the gateway's part, a tenth
  is ours (session, headers), a tenth waits for garbage to be collected, and the rest is two writes to sockets and \`node:http\`'s objects, timers and
  listeners for a request at either side: to go without them means to parse HTTP here.
- *Memory*: of two bare Node processes, the text of Node is 38 MB (a bare one: 30) and the rest 8 MB each; the store's thread, a V8 of its own, costs 10,
  the text of our programs and what is compiled of it about 15. A cluster costs 4 kB in the heap (its certificate and key are 1 kB of it), in the old
  server 8 kB; the rest of the growth is what the start leaves to be collected. \`--optimize-for-size\` would save another tenth, and costs
  half as much CPU again for each request.
- *Memory beside YARN*: a third of the old server's would be 128 MB. Of our 151 the text of Node is 53, counted once; the gateway has 55 of its own, the
  proxy 29 (two V8s: its own, and that of the thread that moves bytes) and the Python of the configuration 9. What was tried: \`--max-semi-space-size=1\`
  would save 5, one arena of malloc 5, \`--optimize-for-size\` 8; not enough all together, and the last costs much CPU. Of the old server's 383, 280 are the JVM.
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
