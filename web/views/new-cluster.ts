import { GatewayError, type OptionField } from '../../client/src/index.ts'
import { keepFollowing } from '../connection.ts'
import { busy, loading, notice, showFault } from '../controls.ts'
import { add, element, replaceContent } from '../dom.ts'
import { type ChosenField, optionField } from '../option-fields.ts'
import { linkTo, type MakeView, type Page } from '../page.ts'

/** A form of the options that this user has. */
export const newClusterView: MakeView = (page, _place, signal) => {
  const place = element('div', {}, loading())
  void keepFollowing(signal, async ({ signal: looking }) => {
    const fields = await page.client.options({ signal: looking })
    replaceContent(place, formOf(page, fields))
  }).catch((error: unknown) => showFault(place, error))
  return {
    title: 'New cluster',
    content: [
      element('p', { class: 'trail' }, element('a', { href: '#/' }, 'My clusters')),
      element('h1', {}, 'New cluster'),
      place,
    ],
  }
}

function formOf({ client }: Page, options: readonly OptionField[]): HTMLElement {
  const fields = options.map(optionField)
  const fault = notice()
  const create = element('button', { type: 'submit' }, 'Create cluster')
  const form = element('form', { novalidate: true, class: 'sheet' })
  if (fields.length === 0)
    add(form, element('p', {}, 'There is nothing to choose: every cluster here is alike.'))
  add(form, ...fields.map(({ node }) => node), fault.node)
  add(
    form,
    element(
      'div',
      { class: 'actions' },
      create,
      element('a', { class: 'button quiet', href: '#/' }, 'Cancel'),
    ),
  )
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    fault.clear()
    const values = valuesOf(fields)
    if (values === null) return
    void busy(create, async () => {
      try {
        const name = await client.create(values)
        location.hash = linkTo('clusters', name).slice(1)
      } catch (error) {
        const field = fieldMeant(fields, error)
        if (field === null || !(error instanceof GatewayError)) fault.tell(error)
        else field.refuse(error.message)
      }
    })
  })
  return form
}

/** What was chosen; null: something cannot be read, which its field says, and the first such one has the focus. */
function valuesOf(fields: readonly ChosenField[]) {
  const read = fields.map((field) => ({ field, ...field.read() }))
  const wrong = read.filter(({ problem }) => problem !== null)
  for (const { field, problem } of wrong.toReversed()) field.refuse(problem ?? '')
  if (wrong.length > 0) return null
  return Object.fromEntries(
    read.flatMap(({ field, value }) => (value === undefined ? [] : [[field.name, value]])),
  )
}

/** The gateway's sentences about one option begin with its name, or end with it. */
function fieldMeant(fields: readonly ChosenField[], error: unknown): ChosenField | null {
  if (!(error instanceof GatewayError) || error.code !== 'invalid') return null
  const { message } = error
  return (
    fields.find(({ name }) => message.startsWith(`${name} `) || message.endsWith(` for ${name}`)) ??
    null
  )
}
