import type { ClusterInfo } from '../../client/src/index.ts'
import { clusterAccess } from '../cluster-access.ts'
import { keepLooking } from '../connection.ts'
import { dashboardLink, loading, showFault, statusBadge, stopButton } from '../controls.ts'
import { element, replaceContent, setText } from '../dom.ts'
import { linkTo, type MakeView, type Page, type Place } from '../page.ts'
import {
  adaptiveOf,
  ageOf,
  coresOf,
  isOver,
  remarkOf,
  sizeOf,
  timeOf,
  usedCores,
  usedMemory,
  workersOf,
} from '../words.ts'
import { eventsPanel } from './cluster-events.ts'
import { logPanel } from './cluster-log.ts'
import { overviewPanel } from './cluster-overview.ts'
import { workersPanel } from './cluster-workers.ts'

/** A part of what is shown of a cluster; `update` is called with each new state. */
export interface Panel {
  readonly node: HTMLElement
  readonly update?: (cluster: ClusterInfo) => void
}

const panels = {
  overview: { name: 'Overview', make: overviewPanel },
  workers: { name: 'Workers', make: workersPanel },
  events: { name: 'Events', make: eventsPanel },
  log: { name: 'Logs', make: logPanel },
} as const

type PanelName = keyof typeof panels

const lookMs = 3000

/** One cluster, one's own or, for administrators, anybody's. */
export const clusterView: MakeView = (page, place, signal) => {
  const isAdmins = place.path[0] === 'admin'
  const name = place.path[isAdmins ? 2 : 1] ?? ''
  const access = clusterAccess(page, name, isAdmins)
  const tabs = element('nav', { class: 'tabs', 'aria-label': 'About this cluster' })
  const main = element('div', {}, loading())
  const base = isAdmins ? ['admin', 'clusters', name] : ['clusters', name]
  const head = headOf(page, base, name, isAdmins)
  let cluster: ClusterInfo | null = access.known()
  let panel: Panel | null = null
  let leftPanel = new AbortController()
  let at = panelOf(place)

  function update(now: ClusterInfo): void {
    const isFirst = cluster === null || panel === null
    cluster = now
    head.update(now)
    if (isFirst) open()
    panel?.update?.(now)
  }

  function open(): void {
    if (cluster === null || at === null) return
    leftPanel.abort()
    leftPanel = new AbortController()
    panel = panels[at].make({
      ...{ page, access, cluster, place: current },
      signal: AbortSignal.any([signal, leftPanel.signal]),
    })
    replaceContent(main, panel.node)
  }

  let current = place
  function showTabs(): void {
    replaceContent(
      tabs,
      ...Object.entries(panels).map(([key, { name: label }]) =>
        element(
          'a',
          {
            href: linkTo(...base, ...(key === 'overview' ? [] : [key])),
            'aria-current': key === at ? 'page' : null,
          },
          label,
        ),
      ),
    )
  }

  showTabs()
  if (cluster !== null) update(cluster)
  access.onChange(update, signal)
  void keepLooking(signal, lookMs, async (looking) => {
    const now = await access.get(looking)
    update(now)
    return !isOver(now)
  }).catch((error: unknown) => {
    tabs.hidden = true
    showFault(main, error)
  })

  return {
    title: `Cluster ${name.slice(0, 8)}`,
    content: [head.node, tabs, main],
    go(next) {
      const isSame = base.every((part, index) => next.path[index] === part)
      if (!isSame || panelOf(next) === null) return false
      current = next
      at = panelOf(next)
      const hadFocus = tabs.contains(document.activeElement)
      showTabs()
      if (hadFocus) tabs.querySelector<HTMLElement>('[aria-current]')?.focus()
      open()
      return true
    },
  }
}

function panelOf({ path }: Place): PanelName | null {
  const part = path[path[0] === 'admin' ? 3 : 2] ?? 'overview'
  return part in panels ? (part as PanelName) : null
}

function headOf(page: Page, base: readonly string[], name: string, isAdmins: boolean) {
  const badge = statusBadge()
  const why = element('span')
  const log = element('a', { href: linkTo(...base, 'log') }, 'Look at its log')
  const remark = element('p', { class: 'reason', hidden: true }, why, ' ', log)
  const facts = element('dl', { class: 'facts' })
  const values = new Map<string, HTMLElement>()
  const fact = (label: string, value: string) => {
    let shown = values.get(label)
    if (shown === undefined) {
      shown = element('dd')
      values.set(label, shown)
      facts.append(element('div', {}, element('dt', {}, label), shown))
    }
    setText(shown, value)
  }
  const { client } = page
  const dashboard = dashboardLink((now) => client.dashboardUrl(now), 'button')
  dashboard.node.hidden = true
  const stop = stopButton(
    (which) => (isAdmins ? client.admin.stop(which) : client.stop(which)),
    page.announce,
    !isAdmins,
  )
  stop.node.className = 'danger'
  stop.node.hidden = true
  const node = element(
    'div',
    {},
    element(
      'p',
      { class: 'trail' },
      element(
        'a',
        { href: isAdmins ? '#/admin/clusters' : '#/' },
        isAdmins ? 'All clusters' : 'My clusters',
      ),
    ),
    element(
      'div',
      { class: 'heading' },
      element(
        'h1',
        {},
        element('span', { class: 'unseen' }, 'Cluster '),
        element('span', { class: 'name' }, name),
        badge.node,
      ),
      element('div', { class: 'actions' }, dashboard.node, stop.node),
    ),
    remark,
    facts,
  )
  return {
    node,
    update(cluster: ClusterInfo) {
      badge.update(cluster.status)
      setText(why, remarkOf(cluster))
      remark.hidden = why.textContent === ''
      remark.dataset.status = cluster.status.toLowerCase()
      log.hidden = cluster.status !== 'FAILED'
      if (isAdmins) fact('User', cluster.username)
      fact('Workers', workersOf(cluster))
      if (cluster.adaptive !== null || values.has('Adapts')) fact('Adapts', adaptiveOf(cluster))
      fact('Cores', usedCores(cluster))
      fact('Memory', usedMemory(cluster))
      fact('Started', timeOf(cluster.start_time))
      if (cluster.stop_time !== null) fact('Ended', timeOf(cluster.stop_time))
      const { ends_at, clients } = cluster
      if (!isOver(cluster) && (ends_at !== null || values.has('Ends by itself')))
        fact('Ends by itself', ends_at === null ? 'no end in sight' : timeOf(ends_at))
      if (!isOver(cluster) && clients !== null) fact('Clients connected', String(clients))
      fact(isOver(cluster) ? 'Lasted' : 'Age', ageOf(cluster))
      fact('Each worker', `${coresOf(cluster.worker_cores)}, ${sizeOf(cluster.worker_memory)}`)
      dashboard.update(cluster)
      stop.update(cluster)
    },
  }
}
