import type { Worker } from '../../client/src/index.ts'
import { keepLooking } from '../connection.ts'
import { loading, showFault, tableOf } from '../controls.ts'
import { element, keyedList, setText } from '../dom.ts'
import { linkTo } from '../page.ts'
import { ageOf, isOver, timeOf } from '../words.ts'
import type { Panel } from './cluster.ts'
import type { PanelContext } from './cluster-overview.ts'
import { cell } from './clusters.ts'

const lookMs = 3000
const mostShown = 500
const words: { readonly [status in Worker['status']]: string } = {
  created: 'Waiting',
  submitted: 'Starting',
  running: 'Running',
  closing: 'Stopping',
  stopped: 'Stopped',
  failed: 'Failed',
}

/** The workers, those that run first. */
export function workersPanel({ access, cluster, signal }: PanelContext): Panel {
  const { table, body } = tableOf('Workers', ['Worker', 'Status', 'Age', 'Started', null])
  const base = access.isMine ? ['clusters'] : ['admin', 'clusters']
  const show = keyedList<Worker>(
    body,
    ({ name }) => name,
    ({ name, start_time }) => {
      const badge = element('span', { class: 'badge' })
      const remark = element('span', { class: 'remark' })
      const age = cell('Age')
      const started = cell('Started')
      setText(started, timeOf(start_time))
      const log = `${linkTo(...base, cluster.name, 'log')}?worker=${encodeURIComponent(name)}`
      return {
        node: element(
          'tr',
          {},
          element('th', { scope: 'row' }, element('span', { class: 'name' }, name)),
          cell('Status', badge, remark),
          age,
          started,
          element(
            'td',
            { class: 'actions' },
            element(
              'a',
              { class: 'button quiet', href: log, 'aria-label': `Log of worker ${name}` },
              'Log',
            ),
          ),
        ),
        update(worker) {
          badge.dataset.status = worker.status
          setText(badge, words[worker.status])
          setText(remark, worker.reason ?? '')
          setText(age, ageOf(worker))
        },
      }
    },
  )
  table.hidden = true
  const none = element(
    'div',
    { class: 'empty', hidden: true },
    element('p', {}, 'This cluster has had no workers yet. Scale it, or let it adapt.'),
  )
  const cut = element('p', { class: 'muted', hidden: true })
  const wait = loading()
  const node = element('div', {}, wait, table, none, cut)
  const rank = ({ status }: Worker) => (status === 'stopped' || status === 'failed' ? 1 : 0)
  void keepLooking(signal, lookMs, async (looking) => {
    const workers = [...(await access.workers(looking))].sort(
      (a, b) => rank(a) - rank(b) || b.start_time - a.start_time,
    )
    wait.hidden = true
    show(workers.slice(0, mostShown))
    table.hidden = workers.length === 0
    none.hidden = workers.length > 0
    cut.hidden = workers.length <= mostShown
    setText(cut, `The first ${mostShown} of ${workers.length} are shown.`)
    return !isOver(cluster)
  }).catch((error: unknown) => showFault(node, error))
  return { node }
}
