import type {
  ClusterInfo,
  ClusterPage,
  ClusterQuery,
  ClusterStatus,
} from '../../client/src/index.ts'
import { keepLooking, latest } from '../connection.ts'
import { dashboardLink, labelled, loading, showFault, stopButton, whenTyped } from '../controls.ts'
import { element, type Row, setText } from '../dom.ts'
import { linkTo, type MakeView, type Page } from '../page.ts'
import { ageOf, usedCores, usedMemory, workersOf } from '../words.ts'
import { cell, clusterTable, nameAndStatus } from './clusters.ts'

const pageSize = 50
const lookMs = 4000

const choices: readonly (readonly [string, string, readonly ClusterStatus[]])[] = [
  ['live', 'Active', ['PENDING', 'RUNNING', 'STOPPING']],
  ['all', 'All, ended ones too', []],
  ['pending', 'Pending', ['PENDING']],
  ['running', 'Running', ['RUNNING']],
  ['stopping', 'Stopping', ['STOPPING']],
  ['stopped', 'Stopped', ['STOPPED']],
  ['failed', 'Failed', ['FAILED']],
]

/** Everybody's clusters, a page at a time: the gateway filters, counts and cuts. */
export const adminClustersView: MakeView = (page, _place, signal) => {
  const status = element(
    'select',
    { id: 'status' },
    ...choices.map(([value, label]) => element('option', { value }, label)),
  )
  const search = element('input', { id: 'search', type: 'search', autocomplete: 'off' })
  const user = element('input', {
    ...{ id: 'of-user', autocomplete: 'off', spellcheck: 'false', autocapitalize: 'none' },
  })
  const table = clusterTable(
    'Clusters of everybody',
    ['User', 'Workers', 'Cores', 'Memory', 'Age'],
    (cluster) => rowOf(page, cluster),
  )
  const count = element('p', { class: 'muted', role: 'status' })
  const none = element(
    'div',
    { class: 'empty', hidden: true },
    element('p', {}, 'No cluster matches.'),
  )
  const wait = loading()
  const back = element('button', { type: 'button', class: 'quiet' }, 'Newer')
  const on = element('button', { type: 'button', class: 'quiet' }, 'Older')
  const results = element('div', {}, wait, table.node, none)
  table.node.hidden = true

  // The cursors of the pages up to this one; the first page has none.
  let cursors: (string | null)[] = [null]
  let next: string | null = null

  function show(found: ClusterPage): void {
    wait.hidden = true
    next = found.cursor
    table.show(found.clusters)
    table.node.hidden = found.clusters.length === 0
    none.hidden = found.clusters.length > 0
    const first = (cursors.length - 1) * pageSize
    const last = first + found.clusters.length
    const range = found.total > pageSize ? `${first + 1} to ${last} of ` : ''
    const total = found.total.toLocaleString()
    setText(count, `${range}${total} ${found.total === 1 ? 'cluster' : 'clusters'}`)
    back.disabled = cursors.length === 1
    on.disabled = next === null
  }

  const look = latest(signal, (asked) => {
    const query: ClusterQuery = {
      status: choices.find(([value]) => value === status.value)?.[2],
      search: search.value.trim(),
      user: user.value.trim() === '' ? undefined : user.value.trim(),
      limit: pageSize,
      cursor: cursors.at(-1) ?? null,
    }
    void keepLooking(asked, lookMs, async (looking) => {
      show(await page.client.admin.clusters(query, { signal: looking }))
      return true
    }).catch((error: unknown) => showFault(results, error))
  })

  const filters = [status, search, user]
  const begin = () => {
    cursors = [null]
  }
  for (const field of filters) field.addEventListener('input', begin)
  whenTyped(filters, look)
  back.addEventListener('click', () => {
    cursors.pop()
    look()
  })
  on.addEventListener('click', () => {
    cursors.push(next)
    look()
  })
  look()

  const form = element(
    'form',
    { class: 'toolbar', role: 'search', novalidate: true },
    labelled('Status', status),
    labelled('Part of name, user or reason', search),
    labelled('User, exactly', user),
  )
  form.addEventListener('submit', (event) => event.preventDefault())
  return {
    title: 'All clusters',
    content: [
      element('h1', {}, 'All clusters'),
      form,
      results,
      element('div', { class: 'pages' }, count, element('div', { class: 'actions' }, back, on)),
    ],
  }
}

function rowOf(page: Page, cluster: ClusterInfo): Row<ClusterInfo> {
  const first = nameAndStatus(cluster, linkTo('admin', 'clusters', cluster.name))
  const [user, workers, cores] = [cell('User'), cell('Workers'), cell('Cores')]
  const [memory, age] = [cell('Memory'), cell('Age')]
  user.append(element('span', { class: 'user' }, cluster.username))
  const dashboard = dashboardLink((now) => page.client.dashboardUrl(now))
  const stop = stopButton((name) => page.client.admin.stop(name), page.announce, false)
  const actions = element('td', { class: 'actions' }, dashboard.node, stop.node)
  return {
    node: element('tr', {}, ...first.nodes, user, workers, cores, memory, age, actions),
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
