import type { AuditEvent } from '../../client/src/index.ts'
import { keepFollowing, latest } from '../connection.ts'
import { busy, labelled, loading, notice, showFault, tableOf, whenTyped } from '../controls.ts'
import { element } from '../dom.ts'
import { linkTo, type MakeView } from '../page.ts'
import { timeOf } from '../words.ts'
import { cell } from './clusters.ts'

const pageSize = 50
const mostShown = 1000

/** The audit trail: who did what, the newest first, as it happens. */
export const adminEventsView: MakeView = (page, _place, signal) => {
  const { admin } = page.client
  const user = element('input', {
    ...{ id: 'by-user', autocomplete: 'off', spellcheck: 'false', autocapitalize: 'none' },
  })
  const cluster = element('input', { id: 'of-cluster', autocomplete: 'off', spellcheck: 'false' })
  const columns = ['Time', 'User', 'Action', 'Cluster', 'From', 'Message']
  const { table, body } = tableOf('Audit events', columns)
  const wait = loading()
  const older = element('button', { type: 'button', class: 'quiet', hidden: true }, 'Show older')
  const fault = notice()
  const results = element('div', {}, wait, table)
  let first: number | null = null

  const filters = () => {
    const by = user.value.trim()
    const of = cluster.value.trim()
    return { limit: pageSize, user: by || undefined, cluster: of || undefined }
  }

  const look = latest(signal, (asked) => {
    body.replaceChildren()
    first = null
    older.hidden = true
    const query = filters()
    void keepFollowing(asked, async (following) => {
      wait.hidden = true
      body.replaceChildren()
      first = null
      for await (const event of admin.followEvents(query, following)) {
        first ??= event.id
        body.prepend(rowOf(event))
        if (body.children.length > mostShown) body.lastElementChild?.remove()
        older.hidden = body.children.length < pageSize
      }
    }).catch((error: unknown) => showFault(results, error))
  })
  older.addEventListener('click', () => {
    fault.clear()
    void busy(older, async () => {
      try {
        const events = await admin.events({
          ...filters(),
          ...(first === null ? {} : { before: first }),
        })
        body.append(...events.map(rowOf))
        first = events.at(-1)?.id ?? first
        older.hidden = events.length < pageSize || body.children.length >= mostShown
      } catch (error) {
        fault.tell(error)
      }
    })
  })
  whenTyped([user, cluster], look)
  look()

  const form = element(
    'form',
    { class: 'toolbar', role: 'search', novalidate: true },
    labelled('User, exactly', user),
    labelled('Cluster, exactly', cluster),
  )
  form.addEventListener('submit', (event) => event.preventDefault())
  return {
    title: 'Audit',
    content: [element('h1', {}, 'Audit'), form, results, fault.node, older],
  }
}

function rowOf(event: AuditEvent): HTMLElement {
  const { time, user, action, address, message } = event
  return element(
    'tr',
    {},
    cell('Time', element('time', { datetime: new Date(time).toISOString() }, timeOf(time))),
    cell('User', element('span', { class: 'user' }, user)),
    cell('Action', element('code', {}, action)),
    cell('Cluster', ...clusterOf(event)),
    cell('From', element('span', {}, address)),
    wordsOf(message),
  )
}

function wordsOf(message: string): HTMLElement {
  const words = cell('Message', ...(message === '' ? [] : [element('span', {}, message)]))
  words.classList.add('words')
  return words
}

function clusterOf({ cluster, owner, user }: AuditEvent): readonly HTMLElement[] {
  if (cluster === null) return []
  const href = linkTo('admin', 'clusters', cluster)
  const link = element('a', { class: 'name', href, title: cluster }, cluster.slice(0, 8))
  return owner === user ? [link] : [link, element('span', {}, ` of ${owner}`)]
}
