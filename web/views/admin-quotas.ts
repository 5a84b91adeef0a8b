import type { Quota } from '../../client/src/index.ts'
import { keepLooking, latest } from '../connection.ts'
import { confirmed, loading, showFault, tableOf } from '../controls.ts'
import { element, keyedList, type Row, setText } from '../dom.ts'
import type { MakeView, Page } from '../page.ts'
import { timeOf } from '../words.ts'
import { cell } from './clusters.ts'
import { amountText, quotaResources } from './quota-panel.ts'
import { setLimits } from './set-limits.ts'

const lookMs = 4000

/** Everybody's quotas and what is in use, and others than the configuration's, for a time. */
export const adminQuotasView: MakeView = (page, _place, signal) => {
  const columns = ['Of', ...quotaResources.map(([, label]) => label), 'Set by', null]
  const { table, body } = tableOf('Quotas', columns)
  const show = keyedList<Quota>(
    body,
    ({ scope, name }) => `${scope} ${name}`,
    (quota) => rowOf(page, quota, look),
  )
  const wait = loading()
  const none = element(
    'div',
    { class: 'empty', hidden: true },
    element('p', {}, 'Nobody uses anything now, and nobody has limits of their own.'),
  )
  const meaning = element('p', { class: 'lead' })
  const other = element('button', { type: 'button', class: 'quiet' }, 'Set limits…')
  other.addEventListener(
    'click',
    () => void setLimits(page, null).then((isDone) => isDone && look()),
  )
  const results = element('div', {}, wait, table, none)
  table.hidden = true

  const look = latest(signal, (asked) => {
    void keepLooking(asked, lookMs, async (looking) => {
      const { over, quotas } = await page.client.admin.quotas({ signal: looking })
      wait.hidden = true
      show(quotas)
      table.hidden = quotas.length === 0
      none.hidden = quotas.length > 0
      const fate = over === 'queue' ? 'waits for room' : 'is refused'
      setText(
        meaning,
        `Those who use something now, or have limits of their own. A new cluster beyond a limit ${fate} (Quotas.over).`,
      )
      return true
    }).catch((error: unknown) => showFault(results, error))
  })
  look()
  return {
    title: 'Quotas',
    content: [
      element('div', { class: 'heading' }, element('h1', {}, 'Quotas'), other),
      meaning,
      results,
    ],
  }
}

function rowOf(page: Page, { scope, name }: Quota, changed: () => void): Row<Quota> {
  let shown: Quota | null = null
  const amounts = quotaResources.map(([resource, label]) => ({ resource, node: cell(label) }))
  const by = element('span')
  const remark = element('span', { class: 'remark' })
  const change = element(
    'button',
    { type: 'button', class: 'quiet', 'aria-label': `Change limits of ${scope} ${name}` },
    'Change…',
  )
  change.addEventListener('click', () => {
    if (shown !== null) void setLimits(page, shown).then((isDone) => isDone && changed())
  })
  const back = element(
    'button',
    { type: 'button', class: 'quiet', 'aria-label': `Take back limits of ${scope} ${name}` },
    'Take back',
  )
  back.addEventListener('click', () => {
    void confirmed({
      title: 'Take these limits back?',
      text: `For the ${scope} ${name} the limits of the configuration hold again.`,
      action: 'Take back',
      run: () => page.client.admin.unsetQuota(scope, name),
    }).then((isDone) => isDone && changed())
  })
  return {
    node: element(
      'tr',
      {},
      element(
        'th',
        { scope: 'row' },
        element('span', { class: 'muted' }, `${scope} `),
        element('span', { class: 'user' }, name),
      ),
      ...amounts.map(({ node }) => node),
      cell('Set by', by, remark),
      element('td', { class: 'actions' }, change, back),
    ),
    update(quota) {
      shown = quota
      for (const { resource, node } of amounts) {
        const { limit, used } = quota[resource]
        const most = limit === null ? '' : ` of ${amountText(resource, limit)}`
        setText(node, `${amountText(resource, used)}${most}`)
        node.classList.toggle('beyond', limit !== null && used > limit)
      }
      const { override } = quota
      setText(by, override === null ? 'the configuration' : override.set_by)
      setText(remark, quota.notice ?? (override === null ? '' : timeOf(override.set_at)))
      back.hidden = override === null
    },
  }
}
