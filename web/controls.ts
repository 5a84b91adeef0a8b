import type { ClusterInfo, ClusterStatus } from '../client/src/index.ts'
import { tellLoginOver } from './connection.ts'
import { add, element, type Row, replaceContent, setText } from './dom.ts'
import { messageOf, statusWords } from './words.ts'

/** A status as a word with a mark: colour alone tells nothing to many. */
export function statusBadge(): Row<ClusterStatus> {
  const node = element('span', { class: 'badge' })
  return {
    node,
    update(status) {
      node.dataset.status = status.toLowerCase()
      setText(node, statusWords[status])
    },
  }
}

/** A text to copy, with the button that does it. */
export function copyable(text: string, label: string, announce: (text: string) => void) {
  const code = element('pre', { tabindex: 0, 'aria-label': label }, element('code', {}, text))
  const button = element('button', { type: 'button', class: 'quiet' }, 'Copy')
  button.addEventListener('click', () => {
    void copy(text, code).then((isDone) => {
      setText(button, isDone ? 'Copied' : 'Press Ctrl+C')
      announce(isDone ? 'Copied' : 'The text is selected: press Ctrl+C')
      setTimeout(() => setText(button, 'Copy'), 2000)
    })
  })
  return element('div', { class: 'copyable' }, code, button)
}

/** The clipboard is there over HTTPS and on this machine only (W3C Clipboard API); elsewhere the browser may do it by its old way. */
async function copy(text: string, shown: HTMLElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    getSelection()?.selectAllChildren(shown)
    return document.execCommand('copy')
  }
}

/** Calls `act` when somebody who types in one of the fields rests. */
export function whenTyped(fields: Iterable<HTMLElement>, act: () => void): void {
  let typing: ReturnType<typeof setTimeout> | undefined
  for (const field of fields)
    field.addEventListener('input', () => {
      clearTimeout(typing)
      typing = setTimeout(act, restMs)
    })
}

const restMs = 300

/** Where a form says what went wrong; empty until then. */
export function notice() {
  const node = element('p', { class: 'notice', role: 'alert', hidden: true })
  return {
    node,
    clear() {
      node.hidden = true
    },
    tell(error: unknown) {
      tellLoginOver(error)
      node.dataset.kind = 'error'
      node.hidden = false
      setText(node, messageOf(error))
    },
    say(text: string) {
      node.dataset.kind = 'done'
      node.hidden = false
      setText(node, text)
    },
  }
}

/** Does `work` while the button cannot be pressed again. */
export async function busy(button: HTMLButtonElement, work: () => Promise<void>): Promise<void> {
  if (button.getAttribute('aria-disabled') === 'true') return
  button.setAttribute('aria-disabled', 'true')
  try {
    await work()
  } finally {
    button.removeAttribute('aria-disabled')
  }
}

/** Asks, and does it when the person says so; what goes wrong is said in the dialog. Resolves when that is closed. */
export function confirmed(question: {
  readonly title: string
  readonly text: string
  readonly action: string
  readonly more?: readonly Node[]
  /** Nothing is lost by it. */
  readonly isHarmless?: true
  /** false: a field says what is wrong, and the dialog stays. */
  readonly run: () => Promise<unknown>
}): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const fault = notice()
  const act = element(
    'button',
    { type: 'submit', class: question.isHarmless ? '' : 'danger' },
    question.action,
  )
  const back = element(
    'button',
    { type: 'button', class: 'quiet', autofocus: !question.isHarmless },
    'Cancel',
  )
  const form = element(
    'form',
    { novalidate: true },
    element('h2', { id: 'question' }, question.title),
    element('p', {}, question.text),
  )
  add(form, ...(question.more ?? []), fault.node, element('div', { class: 'actions' }, back, act))
  const dialog = element('dialog', { 'aria-labelledby': 'question' }, form)
  let isDone = false
  back.addEventListener('click', () => dialog.close())
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    void busy(act, async () => {
      try {
        if ((await question.run()) === false) return
        isDone = true
        dialog.close()
      } catch (error) {
        fault.tell(error)
      }
    })
  })
  dialog.addEventListener('close', () => {
    dialog.remove()
    resolve(isDone)
  })
  document.body.append(dialog)
  dialog.showModal()
  return promise
}

/** Asks for the end of a cluster, after a question. */
export function stopButton(
  stop: (name: string) => Promise<void>,
  announce: (text: string) => void,
  isMine: boolean,
): Row<ClusterInfo> {
  let shown: ClusterInfo | null = null
  const button = element('button', { type: 'button', class: 'quiet' }, 'Stop')
  button.addEventListener('click', () => {
    if (shown === null) return
    const { name, username, workers } = shown
    const whose = isMine ? 'Your cluster' : `The cluster of ${username}`
    const count = workers.running === 1 ? 'its worker' : `its ${workers.running} workers`
    void confirmed({
      title: 'Stop this cluster?',
      text: `${whose} ${name} and ${count} end at once. What was computed on it and not saved is lost.`,
      action: 'Stop cluster',
      run: () => stop(name),
    }).then((isDone) => {
      if (isDone) announce(`Cluster ${name.slice(0, 8)} is being stopped`)
    })
  })
  return {
    node: button,
    update(cluster) {
      shown = cluster
      button.setAttribute('aria-label', `Stop cluster ${cluster.name}`)
      button.hidden = ['STOPPING', 'STOPPED', 'FAILED'].includes(cluster.status)
    },
  }
}

/** The way to a dashboard, while there is one. */
export function dashboardLink(
  url: (cluster: ClusterInfo) => string | null,
  kind = 'button quiet',
): Row<ClusterInfo> {
  const link = element('a', { class: kind }, 'Dashboard')
  return {
    node: link,
    update(cluster) {
      const to = url(cluster)
      link.hidden = to === null
      if (to !== null && link.getAttribute('href') !== to) link.setAttribute('href', to)
      link.setAttribute('aria-label', `Dashboard of cluster ${cluster.name}`)
    },
  }
}

/** An empty table; a column without a heading has what can be done. */
export function tableOf(label: string, columns: readonly (string | null)[]) {
  const body = element('tbody')
  const heads = columns.map((name) =>
    element('th', { scope: 'col' }, name ?? element('span', { class: 'unseen' }, 'Actions')),
  )
  const head = element('thead', {}, element('tr', {}, ...heads))
  return { table: element('table', { 'aria-label': label }, head, body), body }
}

/** A field with its label above and a hint below. */
export function labelled(label: string, control: HTMLElement, hint: string | null = null): Node {
  const id = control.id
  return element(
    'div',
    { class: 'field' },
    element('label', { for: id }, label),
    control,
    hint === null ? null : element('small', { id: `${id}-hint` }, hint),
  )
}

/** While something is fetched. */
export function loading(): HTMLElement {
  return element('p', { class: 'loading' }, 'Loading…')
}

export function showFault(place: Element, error: unknown): void {
  tellLoginOver(error)
  replaceContent(
    place,
    element('p', { class: 'notice', role: 'alert', 'data-kind': 'error' }, messageOf(error)),
  )
}
