import type { Event } from '../../client/src/index.ts'
import { keepFollowing } from '../connection.ts'
import { loading, showFault } from '../controls.ts'
import { element } from '../dom.ts'
import { timeOf } from '../words.ts'
import type { Panel } from './cluster.ts'
import type { PanelContext } from './cluster-overview.ts'

const mostShown = 1000

/** What happened and why, the newest first, as it happens. */
export function eventsPanel({ access, signal }: PanelContext): Panel {
  const list = element('ol', { class: 'events', reversed: true, 'aria-label': 'Events' })
  const wait = loading()
  const node = element('div', {}, wait, list)
  let last = 0
  void keepFollowing(signal, async (following) => {
    for await (const event of access.followEvents(last, following)) {
      last = event.id
      wait.hidden = true
      list.prepend(entryOf(event))
      if (list.children.length > mostShown) list.lastElementChild?.remove()
    }
    wait.hidden = true
  }).catch((error: unknown) => showFault(node, error))
  return { node }
}

function entryOf({ time, kind, message, worker, details }: Event): HTMLElement {
  const tail = Array.isArray(details.log_tail) ? details.log_tail.map(String) : []
  return element(
    'li',
    {},
    element('time', { datetime: new Date(time).toISOString() }, timeOf(time)),
    element(
      'div',
      {},
      element('p', {}, message),
      element('code', { class: 'kind' }, kind),
      worker === null ? null : element('span', { class: 'muted' }, ` · worker ${worker}`),
      tail.length > 0
        ? element(
            'details',
            {},
            element('summary', {}, 'The end of the log'),
            element('pre', { tabindex: 0, 'aria-label': 'The end of the log' }, tail.join('\n')),
          )
        : null,
    ),
  )
}
