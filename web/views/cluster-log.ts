import { linesOf } from '../../client/src/index.ts'
import { keepFollowing } from '../connection.ts'
import { labelled, showFault } from '../controls.ts'
import { element, replaceContent, setText } from '../dom.ts'
import { linkTo } from '../page.ts'
import { logLine } from '../visible-text.ts'
import type { Panel } from './cluster.ts'
import type { PanelContext } from './cluster-overview.ts'

const linesAtFirst = 500
const mostLines = 5000
/** A browser keeps up with so much at once, however fast a log grows. */
const linesAtOnce = 1000
const pourMs = 50
const drawnAtOnce = 300
/** Lines are drawn in at most one part of so many of the time: the rest is for who looks, and for the lines that come. */
const drawnPart = 4

/** The log of the scheduler, or of a worker, as it grows. */
export function logPanel({ access, place, cluster, signal }: PanelContext): Panel {
  const worker = place.query.get('worker') ?? ''
  const text = element('pre', {
    class: 'log',
    role: 'log',
    'aria-label': 'Log',
    'aria-live': 'off',
    tabindex: 0,
  })
  const follow = element('input', { type: 'checkbox', id: 'follow', checked: true })
  const state = element('p', { class: 'muted' }, 'Loading…')
  const node = element(
    'div',
    {},
    element(
      'div',
      { class: 'toolbar' },
      chooser(worker),
      element(
        'div',
        { class: 'check' },
        follow,
        element('label', { for: 'follow' }, 'Scroll with it'),
      ),
      state,
    ),
    text,
  )
  fillChooser()

  let waiting: string[] = []
  let restMs = pourMs
  let frame: ReturnType<typeof setTimeout> | undefined
  function pour(): void {
    frame = undefined
    const begun = performance.now()
    const lines = waiting.splice(0, drawnAtOnce)
    const over = text.children.length + lines.length - mostLines
    for (let count = 0; count < over; count++) text.firstElementChild?.remove()
    text.append(...lines.map((line) => element('div', {}, line === '' ? '\n' : logLine(line))))
    if (follow.checked) text.scrollTop = text.scrollHeight
    restMs = Math.max(pourMs, (performance.now() - begun) * (drawnPart - 1))
    if (waiting.length > 0) frame = setTimeout(pour, restMs)
  }
  text.addEventListener('scroll', () => {
    follow.checked = text.scrollHeight - text.scrollTop - text.clientHeight < 40
  })
  follow.addEventListener('change', () => {
    if (follow.checked) text.scrollTop = text.scrollHeight
  })
  signal.addEventListener('abort', () => clearTimeout(frame))

  void keepFollowing(signal, async (following) => {
    text.replaceChildren()
    const query = { tail: linesAtFirst, ...(worker === '' ? {} : { worker }) }
    setText(state, 'Following')
    const pieces = access.followLogs(query, following)
    for await (const line of linesOf(pieces)) {
      waiting.push(line)
      // What nobody will see is not drawn.
      if (waiting.length > mostLines + linesAtOnce) waiting = waiting.slice(-mostLines)
      frame ??= setTimeout(pour, restMs)
      // Lets the browser draw in a storm of lines.
      if (waiting.length % linesAtOnce === 0) await new Promise((done) => setTimeout(done))
    }
    pour()
    setText(state, text.children.length === 0 ? 'Nothing was logged' : 'The log has ended')
  }).catch((error: unknown) => showFault(node, error))
  return { node }

  function chooser(chosen: string): Node {
    const select = element('select', { id: 'log-of' })
    replaceContent(select, option('', 'Scheduler', chosen))
    if (chosen !== '') select.append(option(chosen, `Worker ${chosen}`, chosen))
    select.addEventListener('change', () => {
      const base = access.isMine ? ['clusters'] : ['admin', 'clusters']
      const query = select.value === '' ? '' : `?worker=${encodeURIComponent(select.value)}`
      location.hash = linkTo(...base, cluster.name, 'log').slice(1) + query
    })
    return labelled('Log of', select)
  }

  function fillChooser(): void {
    void keepFollowing(signal, async ({ signal: looking }) => {
      const select = node.querySelector('select')
      for (const { name } of await access.workers(looking))
        if (name !== worker) select?.append(option(name, `Worker ${name}`, worker))
    }).catch(() => undefined)
  }
}

function option(value: string, label: string, chosen: string): HTMLElement {
  return element('option', { value, selected: value === chosen }, label)
}
