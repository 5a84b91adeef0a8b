import type { AdminHealth, Drain } from '../../client/src/index.ts'
import { keepLooking } from '../connection.ts'
import { confirmed, labelled, loading, notice, showFault } from '../controls.ts'
import { element, keyedList, replaceContent, setText } from '../dom.ts'
import type { MakeView, Page } from '../page.ts'
import { lengthOf, sizeOf, timeOf } from '../words.ts'

const lookMs = 3000

/** Whether backend, store and proxy are well, figures, and whether new clusters are taken. */
export const adminHealthView: MakeView = (page, _place, signal) => {
  const { admin } = page.client
  const checks = element('ul', { class: 'checks', 'aria-label': 'Checks' })
  const showChecks = keyedList<readonly [string, string]>(
    checks,
    ([name]) => name,
    ([name]) => {
      const badge = element('span', { class: 'badge' })
      const why = element('span', { class: 'remark' })
      return {
        node: element(
          'li',
          {},
          element('span', { class: 'check-name' }, capitalized(name)),
          badge,
          why,
        ),
        update([, result]) {
          const isWell = result === 'pass'
          badge.dataset.status = isWell ? 'running' : 'failed'
          setText(badge, isWell ? 'Healthy' : 'Failing')
          setText(why, isWell ? '' : result)
        },
      }
    },
  )
  const figures = element('dl', { class: 'facts' })
  const showFigures = keyedList<readonly [string, string]>(
    figures,
    ([name]) => name,
    ([name]) => {
      const value = element('dd')
      return {
        node: element('div', {}, element('dt', {}, name), value),
        update: ([, now]) => setText(value, now),
      }
    },
  )
  const drain = drainSection(page)
  const wait = loading()
  const place = element('div', {}, checks, figures, drain.node)
  place.hidden = true
  void keepLooking(signal, lookMs, async (looking) => {
    const [health, now] = await Promise.all([
      admin.health({ signal: looking }),
      admin.drain({ signal: looking }),
    ])
    wait.hidden = true
    place.hidden = false
    showChecks(Object.entries(health.checks))
    showFigures(figuresOf(health))
    drain.update(now)
    return true
  }).catch((error: unknown) => {
    wait.hidden = true
    place.hidden = false
    showFault(place, error)
  })
  return { title: 'Health', content: [element('h1', {}, 'Health'), wait, place] }
}

function figuresOf(health: AdminHealth): readonly (readonly [string, string])[] {
  const { clusters, workers } = health
  const waiting = clusters.created + clusters.submitted
  return [
    ['Version', health.version],
    ['Kind of backend', health.backend],
    ['Started', timeOf(health.start_time)],
    ['Up for', lengthOf(Date.now() - health.start_time)],
    ['Memory of the gateway', sizeOf(health.memory)],
    ['Open streams', health.streams.toLocaleString()],
    [
      'Proxies',
      health.proxies.length === 0 ? 'none' : health.proxies.map(({ name }) => name).join(', '),
    ],
    ['Clusters running', clusters.running.toLocaleString()],
    ['Clusters pending', waiting.toLocaleString()],
    ['Clusters failed', clusters.failed.toLocaleString()],
    ['Workers running', workers.running.toLocaleString()],
    ['Workers pending', (workers.created + workers.submitted).toLocaleString()],
  ]
}

function capitalized(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1)
}

function drainSection({ client, announce }: Page) {
  const { admin } = client
  const state = element('p')
  const button = element('button', { type: 'button', class: 'quiet' })
  const fault = notice()
  let now: Drain | null = null
  button.addEventListener('click', () => {
    fault.clear()
    if (now?.draining === true) {
      void admin
        .setDrain(false)
        .then((after) => {
          update(after)
          announce('New clusters are accepted again')
        })
        .catch(fault.tell)
      return
    }
    const message = element('input', { id: 'drain-message', maxlength: 500, autocomplete: 'off' })
    void confirmed({
      title: 'Accept no new clusters?',
      text: 'Clusters that run stay. Whoever asks for a new one is refused, with your message.',
      action: 'Drain',
      more: [labelled('Message for users', message, 'Such as: maintenance until 14:00')],
      run: async () => update(await admin.setDrain(true, message.value.trim())),
    }).then((isDone) => {
      if (isDone) announce('No new clusters are accepted')
    })
  })
  function update(next: Drain): void {
    now = next
    const since = next.since === null ? '' : ` since ${timeOf(next.since)}`
    const says = (next.message ?? '') === '' ? '' : `: “${next.message}”`
    setText(
      state,
      next.draining
        ? `No new clusters are accepted${since}, by ${next.by ?? 'nobody'}${says}`
        : 'New clusters are accepted.',
    )
    state.className = next.draining ? 'reason' : ''
    setText(button, next.draining ? 'Accept new clusters again' : 'Drain…')
  }
  const node = element('section', { 'aria-labelledby': 'drain' })
  replaceContent(node, element('h2', { id: 'drain' }, 'New clusters'), state, fault.node, button)
  return { node, update }
}
