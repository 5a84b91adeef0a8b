import type { ClusterInfo, Json, ScaleResult } from '../../client/src/index.ts'
import type { ClusterAccess } from '../cluster-access.ts'
import { busy, copyable, labelled, notice } from '../controls.ts'
import { add, element } from '../dom.ts'
import type { Page, Place } from '../page.ts'
import { pythonLines } from '../python-lines.ts'
import { isOver, timeOf } from '../words.ts'
import type { Panel } from './cluster.ts'

export interface PanelContext {
  readonly page: Page
  readonly access: ClusterAccess
  readonly cluster: ClusterInfo
  readonly place: Place
  readonly signal: AbortSignal
}

/** Scaling, the options that were chosen, and the lines that connect. */
export function overviewPanel({ page, access, cluster }: PanelContext): Panel {
  const forms = access.isMine ? scaling(page, cluster) : null
  const node = element('div', { class: 'columns' }, forms)
  const connect = element(
    'section',
    { 'aria-labelledby': 'connect' },
    element('h2', { id: 'connect' }, 'From Python'),
    copyable(
      pythonLines(page.client.address, page.user, cluster.name),
      'Python lines that connect to this cluster',
      page.announce,
    ),
  )
  if (access.isMine) add(node, connect)
  add(node, optionsOf(cluster))
  const update = (now: ClusterInfo) => {
    if (forms !== null) forms.hidden = isOver(now) || now.status === 'STOPPING'
    connect.hidden = isOver(now)
  }
  update(cluster)
  return { node, update }
}

function scaling({ client }: Page, cluster: ClusterInfo): HTMLElement {
  const { name, max_workers: most } = cluster
  const hint = most === null ? null : `At most ${most}`
  const count = numberField('workers', String(cluster.workers.wanted))
  const [minimum, maximum] = [numberField('minimum', '0'), numberField('maximum', '')]
  const scaleNotice = notice()
  const adaptNotice = notice()
  const tell = (to: typeof scaleNotice, done: string) => (result: ScaleResult) => {
    to.say(result.msg ?? done)
  }

  const scale = element('button', { type: 'submit' }, 'Scale')
  const scaleForm = form(
    'Scale',
    [labelled('Workers', count, hint), element('div', { class: 'actions' }, scale)],
    scaleNotice.node,
    () =>
      attempt(scale, scaleNotice, [count], async () => {
        const wanted = wholeNumber(count, 'Workers')
        const done = wanted === 1 ? '1 worker is asked for' : `${wanted} workers are asked for`
        tell(scaleNotice, done)(await client.scale(name, wanted))
      }),
  )

  const adapt = element('button', { type: 'submit' }, 'Adapt')
  const rest = element('button', { type: 'button', class: 'quiet' }, 'Stop adapting')
  rest.addEventListener('click', () => {
    void attempt(rest, adaptNotice, [minimum, maximum], async () =>
      tell(
        adaptNotice,
        'The number of workers stays as it is',
      )(await client.adapt(name, { active: false })),
    )
  })
  const adaptForm = form(
    'Adapt to the load',
    [
      labelled('At least', minimum),
      labelled('At most', maximum, 'Empty: as many as allowed'),
      element('div', { class: 'actions' }, adapt, rest),
    ],
    adaptNotice.node,
    () =>
      attempt(adapt, adaptNotice, [minimum, maximum], async () => {
        const least = minimum.value.trim() === '' ? null : wholeNumber(minimum, 'At least')
        const upTo = maximum.value.trim() === '' ? null : wholeNumber(maximum, 'At most')
        if (least !== null && upTo !== null && least > upTo)
          throw new WrongField(maximum, `At most cannot be less than at least (${least})`)
        tell(
          adaptNotice,
          'The scheduler now chooses the number of workers',
        )(await client.adapt(name, { minimum: least, maximum: upTo }))
      }),
  )
  return element('section', { 'aria-label': 'Number of workers' }, scaleForm, adaptForm)
}

class WrongField extends Error {
  readonly field: HTMLInputElement
  constructor(field: HTMLInputElement, message: string) {
    super(message)
    this.field = field
  }
}

function numberField(id: string, value: string): HTMLInputElement {
  return element('input', { id, value, inputmode: 'numeric', autocomplete: 'off', size: 8 })
}

function wholeNumber(field: HTMLInputElement, label: string): number {
  const value = Number(field.value)
  if (/^\s*\d+\s*$/.test(field.value) && Number.isSafeInteger(value)) return value
  throw new WrongField(field, `${label} must be a whole number, 0 or more`)
}

async function attempt(
  button: HTMLButtonElement,
  say: ReturnType<typeof notice>,
  fields: readonly HTMLInputElement[],
  work: () => Promise<void>,
): Promise<void> {
  say.clear()
  for (const field of fields) field.removeAttribute('aria-invalid')
  await busy(button, () =>
    work().catch((error: unknown) => {
      say.tell(error)
      if (!(error instanceof WrongField)) return
      error.field.setAttribute('aria-invalid', 'true')
      error.field.focus()
    }),
  )
}

function form(
  title: string,
  fields: readonly Node[],
  after: Node,
  submit: () => Promise<void>,
): HTMLElement {
  const node = element('form', { novalidate: true, class: 'inline' })
  add(node, element('h2', {}, title), element('div', { class: 'row' }, ...fields), after)
  node.addEventListener('submit', (event) => {
    event.preventDefault()
    void submit()
  })
  return node
}

function optionsOf({ options, start_time, stop_time }: ClusterInfo): HTMLElement {
  const list = element('dl', { class: 'pairs' })
  const pair = (name: string, value: Json) =>
    add(
      list,
      element(
        'div',
        {},
        element('dt', {}, name),
        element('dd', {}, typeof value === 'string' ? value : JSON.stringify(value)),
      ),
    )
  pair('Started', timeOf(start_time))
  if (stop_time !== null) pair('Ended', timeOf(stop_time))
  for (const [name, value] of Object.entries(options)) pair(name, value)
  return element(
    'section',
    { 'aria-labelledby': 'options' },
    element('h2', { id: 'options' }, 'Options'),
    list,
  )
}
