import {
  type CreatedAccessToken,
  GatewayError,
  type NewAccessToken,
  type TokenScope,
} from '../../client/src/index.ts'
import { busy, copyable, notice } from '../controls.ts'
import { element, replaceContent } from '../dom.ts'
import { formField } from '../form-field.ts'
import type { Page } from '../page.ts'
import { pythonLines } from '../python-lines.ts'
import { timeOf } from '../words.ts'

export const scopeWords: { readonly [scope in TokenScope]: { name: string; meaning: string } } = {
  manage: { name: 'Manage', meaning: 'start, scale and stop my clusters' },
  read: { name: 'Read', meaning: 'look at my clusters, change nothing' },
  admin: { name: 'Admin', meaning: 'all that I may as an administrator' },
}

const daySeconds = 86_400
const lives: readonly (readonly [string, number | null | undefined])[] = [
  ['In 90 days', undefined],
  ['In a day', daySeconds],
  ['In 7 days', 7 * daySeconds],
  ['In 30 days', 30 * daySeconds],
  ['In a year', 365 * daySeconds],
  ['Never', null],
]

/** A form that makes a token, and what was made: its secret is here until the view is left, and nowhere else. */
export function newTokenForm(page: Page, made: () => void): HTMLElement {
  const scopes = (['manage', 'read', 'admin'] as const).filter(
    (scope) => scope !== 'admin' || page.user.admin,
  )
  const name = formField('Name', element('input', nameAttributes), 'What it is for: notebook, CI')
  const scope = formField('Scope', choice('token-scope', scopes.map(scopeLine)))
  const life = formField(
    'Expires',
    choice(
      'token-life',
      lives.map(([words]) => words),
    ),
  )
  const create = element('button', { type: 'submit' }, 'Make token')
  const fault = notice()
  const result = element('div', {})
  const form = element(
    'form',
    { novalidate: true, class: 'inline', 'aria-label': 'New token' },
    element(
      'div',
      { class: 'row' },
      ...[name.node, scope.node, life.node],
      element('div', { class: 'actions' }, create),
    ),
    fault.node,
  )
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    fault.clear()
    for (const field of [name, scope, life]) field.accept()
    const text = name.input.value.trim()
    if (text === '') return name.refuse('Say what the token is for')
    const asked: NewAccessToken = {
      name: text,
      scope: scopes[scope.input.selectedIndex] ?? 'read',
      ...lifeOf(lives[life.input.selectedIndex]?.[1]),
    }
    void busy(create, async () => {
      try {
        const token = await page.client.createToken(asked)
        name.input.value = ''
        showSecret(page, result, token)
        made()
      } catch (error) {
        if (!(error instanceof GatewayError)) fault.tell(error)
        else if (/^name |^There is a token /.test(error.message)) name.refuse(error.message)
        else if (/^A token lives /.test(error.message)) life.refuse(error.message)
        else fault.tell(error)
      }
    })
  })
  return element(
    'section',
    { 'aria-labelledby': 'new-token' },
    element('h2', { id: 'new-token' }, 'New token'),
    form,
    result,
  )
}

const nameAttributes = {
  ...{ id: 'token-name', autocomplete: 'off', spellcheck: 'false', maxlength: 100 },
}

function scopeLine(scope: TokenScope): string {
  const { name, meaning } = scopeWords[scope]
  return `${name}: ${meaning}`
}

function choice(id: string, lines: readonly string[]): HTMLSelectElement {
  return element('select', { id }, ...lines.map((line) => element('option', {}, line)))
}

function lifeOf(seconds: number | null | undefined) {
  return seconds === undefined ? {} : { expires_in: seconds }
}

function showSecret(page: Page, place: HTMLElement, token: CreatedAccessToken): void {
  const { name, secret, expires_at } = token
  const heading = element('h3', { tabindex: -1 }, `Token “${name}” is made`)
  const end = expires_at === null ? 'It does not expire.' : `It expires ${timeOf(expires_at)}.`
  const close = element('button', { type: 'button', class: 'quiet' }, 'Done')
  close.addEventListener('click', () => {
    place.replaceChildren()
    document.getElementById('token-name')?.focus()
  })
  replaceContent(
    place,
    element(
      'div',
      { class: 'made' },
      heading,
      element('p', {}, `Copy it now: nobody can show it again. ${end}`),
      copyable(secret, 'The secret of the token', page.announce),
      element('details', {}, element('summary', {}, 'In Python'), pythonOf(page)),
      element('div', { class: 'actions' }, close),
    ),
  )
  heading.focus()
}

/** Read from the environment: a secret in a notebook is soon in a repository. */
function pythonOf(page: Page): HTMLElement {
  const lines = pythonLines(page.client.address, page.user, null, 'a token')
  return copyable(lines, 'Python lines that use the token', page.announce)
}
