import type { ClusterInfo, ScaleResult } from '../../client/src/index.ts'
import { busy, notice } from '../controls.ts'
import { add, element } from '../dom.ts'
import { type FormField, formField } from '../form-field.ts'
import type { Page } from '../page.ts'

/** Two forms: a number of workers, or two between which the scheduler chooses. */
export function scalingForms({ client }: Page, cluster: ClusterInfo) {
  const { name, max_workers: allowed } = cluster
  const count = numberField(
    'workers',
    'Workers',
    String(cluster.workers.wanted),
    allowed === null ? null : `At most ${allowed}`,
  )
  const bounds = cluster.adaptive ?? { minimum: 0, maximum: null }
  const minimum = numberField('minimum', 'At least', String(bounds.minimum ?? 0), null)
  const most = bounds.maximum === null ? '' : String(bounds.maximum)
  const maximum = numberField('maximum', 'At most', most, 'Empty: as many as allowed')
  const scaled = notice()
  const adapted = notice()
  const tell = (to: typeof scaled, done: string, { msg }: ScaleResult) => to.say(msg ?? done)

  const scale = element('button', { type: 'submit' }, 'Scale')
  const scaleForm = formOf('Scale', [count], [scale], scaled.node, () =>
    attempt(scale, scaled, [count], async ([wanted = null]) => {
      if (wanted === null) return count.refuse('Enter a whole number, 0 or more')
      const done = wanted === 1 ? '1 worker is asked for' : `${wanted} workers are asked for`
      tell(scaled, done, await client.scale(name, wanted))
    }),
  )

  const adapt = element('button', { type: 'submit' }, 'Adapt')
  const rest = element('button', { type: 'button', class: 'quiet' }, 'Stop adapting')
  rest.addEventListener('click', () => {
    void attempt(rest, adapted, [], async () =>
      tell(
        adapted,
        'The number of workers stays as it is',
        await client.adapt(name, { active: false }),
      ),
    )
  })
  const both = [minimum, maximum]
  const adaptForm = formOf('Adapt to the load', both, [adapt, rest], adapted.node, () =>
    attempt(adapt, adapted, both, async ([least = null, upTo = null]) => {
      if (least !== null && upTo !== null && least > upTo)
        return maximum.refuse(`Cannot be less than at least (${least})`)
      const bounds = { minimum: least, maximum: upTo }
      tell(
        adapted,
        'The scheduler now chooses the number of workers',
        await client.adapt(name, bounds),
      )
    }),
  )
  return {
    node: element('section', { 'aria-label': 'Number of workers' }, scaleForm, adaptForm),
    update({ adaptive }: ClusterInfo) {
      if (adaptive === null && document.activeElement === rest) adapt.focus()
      rest.hidden = adaptive === null
    },
  }
}

type NumberField = FormField<HTMLInputElement>

function numberField(id: string, label: string, value: string, hint: string | null): NumberField {
  const input = element('input', {
    ...{ id, value, inputmode: 'numeric', autocomplete: 'off', size: 8 },
  })
  return formField(label, input, hint)
}

/** Calls `work` with the numbers in the fields, null for an empty one, unless one is no number, which it then says. */
async function attempt(
  button: HTMLButtonElement,
  say: ReturnType<typeof notice>,
  fields: readonly NumberField[],
  work: (numbers: readonly (number | null)[]) => Promise<void>,
): Promise<void> {
  say.clear()
  for (const field of fields) field.accept()
  const numbers: (number | null)[] = []
  for (const field of fields) {
    const text = field.input.value.trim()
    const value = Number(text)
    if (!/^\d*$/.test(text) || !Number.isSafeInteger(value))
      return field.refuse('Enter a whole number, 0 or more')
    numbers.push(text === '' ? null : value)
  }
  await busy(button, () => work(numbers).catch(say.tell))
}

function formOf(
  title: string,
  fields: readonly NumberField[],
  buttons: readonly Node[],
  after: Node,
  submit: () => Promise<void>,
): HTMLElement {
  const node = element('form', { novalidate: true, class: 'inline' })
  const row = element('div', { class: 'row' }, ...fields.map((field) => field.node))
  add(row, element('div', { class: 'actions' }, ...buttons))
  add(node, element('h2', {}, title), row, after)
  node.addEventListener('submit', (event) => {
    event.preventDefault()
    void submit()
  })
  return node
}
