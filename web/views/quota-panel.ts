import type { Quota, QuotaResource } from '../../client/src/index.ts'
import { keepLooking } from '../connection.ts'
import { element, keyedList, type Row, setText } from '../dom.ts'
import type { Page } from '../page.ts'
import { sizeOf } from '../words.ts'

const lookMs = 5000
export const quotaResources = [
  ['clusters', 'Clusters'],
  ['workers', 'Workers'],
  ['cores', 'Cores'],
  ['memory', 'Memory'],
] as const satisfies readonly (readonly [QuotaResource, string])[]

/** How much of one's quotas is in use; nothing where there are none. */
export function quotaPanel({ client }: Page, signal: AbortSignal): HTMLElement {
  const list = element('div', { class: 'quotas' })
  const show = keyedList<Quota>(list, ({ scope, name }) => `${scope} ${name}`, quotaRow)
  const meaning = element('p', { class: 'muted' })
  const node = element(
    'section',
    { hidden: true, 'aria-labelledby': 'quota' },
    element('h2', { id: 'quota' }, 'Quota'),
    list,
    meaning,
  )
  void keepLooking(signal, lookMs, async (looking) => {
    const { over, quotas } = await client.quota({ signal: looking })
    const limited = quotas.filter((quota) =>
      quotaResources.some(([resource]) => quota[resource].limit !== null),
    )
    show(limited)
    node.hidden = limited.length === 0
    const fate = over === 'queue' ? 'waits until there is room' : 'is refused'
    setText(meaning, `A new cluster without room ${fate}.`)
    return true
  }).catch(() => {
    // Nothing that anybody waits for: without it the clusters are there all the same.
    node.hidden = true
  })
  return node
}

function quotaRow({ scope, name }: Quota): Row<Quota> {
  const figures = element('dl', { class: 'facts' })
  const showFigures = keyedList<readonly [QuotaResource, string, Quota]>(
    figures,
    ([resource]) => resource,
    ([resource, label]) => {
      const amount = element('span')
      const meter = element('meter', { min: 0, 'aria-label': `${label} in use` })
      return {
        node: element('div', {}, element('dt', {}, label), element('dd', {}, amount, meter)),
        update([, , quota]) {
          const { limit, used } = quota[resource]
          setText(amount, `${amountText(resource, used)} of ${amountText(resource, limit ?? 0)}`)
          meter.max = Math.max(limit ?? 0, 1e-9)
          meter.value = limit === 0 ? 1 : used
          meter.classList.toggle('full', limit !== null && used >= limit)
        },
      }
    },
  )
  const notice = element('p', { class: 'reason', hidden: true })
  return {
    node: element(
      'div',
      {},
      scope === 'group' ? element('h3', {}, `Of the group ${name}, together`) : null,
      figures,
      notice,
    ),
    update(quota) {
      showFigures(
        quotaResources
          .filter(([resource]) => quota[resource].limit !== null)
          .map(([resource, label]) => [resource, label, quota]),
      )
      notice.hidden = quota.notice === null
      setText(notice, quota.notice ?? '')
    },
  }
}

export function amountText(resource: QuotaResource, amount: number): string {
  return resource === 'memory' ? sizeOf(amount) : amount.toLocaleString()
}
