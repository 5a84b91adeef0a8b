import type { ClusterInfo } from '../../client/src/index.ts'
import {
  busy,
  copyable,
  dashboardLink,
  loading,
  notice,
  statusBadge,
  stopButton,
  tableOf,
} from '../controls.ts'
import { element, keyedList, type Row, setText } from '../dom.ts'
import { linkTo, type MakeView, type Page } from '../page.ts'
import { pythonLines } from '../python-lines.ts'
import { ageOf, remarkOf, timeOf, usedCores, usedMemory, workersOf } from '../words.ts'
import { quotaPanel } from './quota-panel.ts'

const shownAtOnce = 200

/** One's own clusters: those that live, as they change, and those that have ended. */
export const clustersView: MakeView = (page, _place, signal) => {
  const { clusters } = page
  const wait = loading()
  const living = clusterTable('Clusters that run', ['Workers', 'Cores', 'Memory', 'Age'], (row) =>
    liveRow(page, row),
  )
  const ended = clusterTable('Clusters that have ended', ['Lasted', 'Ended'], endedRow)
  const none = element(
    'div',
    { class: 'empty', hidden: true },
    element('h2', {}, 'No clusters are running'),
    element('p', {}, 'Start one here, or with the Python lines below.'),
    element('a', { class: 'button', href: '#/new' }, 'New cluster'),
  )
  const cut = element('p', { class: 'muted', hidden: true })
  const fault = notice()
  const older = element('button', { type: 'button', class: 'quiet' }, 'Show older')
  older.addEventListener('click', () => {
    fault.clear()
    void busy(older, () => clusters.moreEnded().catch(fault.tell))
  })
  const endedSection = element(
    'section',
    { hidden: true, 'aria-labelledby': 'ended' },
    element('h2', { id: 'ended' }, 'Ended'),
    ended.node,
    fault.node,
    older,
  )

  function show(): void {
    const now = clusters.living()
    if (now === null) return
    wait.hidden = true
    living.show(now.slice(0, shownAtOnce))
    living.node.hidden = now.length === 0
    none.hidden = now.length > 0
    cut.hidden = now.length <= shownAtOnce
    setText(cut, `The newest ${shownAtOnce} of ${now.length} are shown.`)
    const over = clusters.ended()
    ended.show(over)
    endedSection.hidden = over.length === 0
    older.hidden = over.length >= clusters.endedInAll()
  }
  show()
  clusters.onChange(show, signal)
  const clock = setInterval(show, 1000)
  signal.addEventListener('abort', () => clearInterval(clock))

  return {
    title: 'My clusters',
    content: [
      element(
        'div',
        { class: 'heading' },
        element('h1', {}, 'My clusters'),
        element('a', { class: 'button', href: '#/new' }, 'New cluster'),
      ),
      wait,
      none,
      living.node,
      cut,
      quotaPanel(page, signal),
      endedSection,
      element(
        'section',
        { 'aria-labelledby': 'connect' },
        element('h2', { id: 'connect' }, 'From Python'),
        copyable(
          pythonLines(page.client.address, page.user),
          'Python lines that connect',
          page.announce,
        ),
      ),
    ],
  }
}

/** A table with name and status first, and what `make` puts into the other columns. */
export function clusterTable(
  label: string,
  columns: readonly string[],
  make: (cluster: ClusterInfo) => Row<ClusterInfo>,
) {
  const { table: node, body } = tableOf(label, ['Cluster', 'Status', ...columns, null])
  return { node, show: keyedList<ClusterInfo>(body, ({ name }) => name, make) }
}

/** The cells that all such tables begin with. */
export function nameAndStatus(cluster: ClusterInfo, href: string) {
  const badge = statusBadge()
  const remark = element('span', { class: 'remark' })
  const nodes = [
    element(
      'th',
      { scope: 'row' },
      element('a', { class: 'name', href, title: cluster.name }, cluster.name),
    ),
    cell('Status', badge.node, remark),
  ]
  return {
    nodes,
    update(now: ClusterInfo) {
      badge.update(now.status)
      setText(remark, remarkOf(now))
    },
  }
}

/** `label`: for telephones, where a row is a card. */
export function cell(label: string, ...children: readonly Node[]): HTMLElement {
  return element('td', { 'data-label': label }, ...children)
}

function liveRow(page: Page, cluster: ClusterInfo): Row<ClusterInfo> {
  const first = nameAndStatus(cluster, linkTo('clusters', cluster.name))
  const [workers, cores] = [cell('Workers'), cell('Cores')]
  const [memory, age] = [cell('Memory'), cell('Age')]
  const dashboard = dashboardLink((now) => page.client.dashboardUrl(now))
  const stop = stopButton((name) => page.client.stop(name), page.announce, true)
  age.title = timeOf(cluster.start_time)
  const actions = element('td', { class: 'actions' }, dashboard.node, stop.node)
  return {
    node: element('tr', {}, ...first.nodes, workers, cores, memory, age, actions),
    update(now) {
      first.update(now)
      setText(workers, workersOf(now))
      setText(cores, usedCores(now))
      setText(memory, usedMemory(now))
      setText(age, ageOf(now))
      dashboard.update(now)
      stop.update(now)
    },
  }
}

function endedRow(cluster: ClusterInfo): Row<ClusterInfo> {
  const first = nameAndStatus(cluster, linkTo('clusters', cluster.name))
  const lasted = cell('Lasted')
  const at = cell('Ended')
  return {
    node: element('tr', {}, ...first.nodes, lasted, at, element('td')),
    update(now) {
      first.update(now)
      setText(lasted, ageOf(now))
      setText(at, now.stop_time === null ? '' : timeOf(now.stop_time))
    },
  }
}
