import { type AccessToken, GatewayError } from '../../client/src/index.ts'
import { keepLooking, latest } from '../connection.ts'
import { confirmed, labelled, loading, showFault, tableOf, whenTyped } from '../controls.ts'
import { element, keyedList, type Row, setText } from '../dom.ts'
import type { MakeView, Page } from '../page.ts'
import { timeOf } from '../words.ts'
import { cell } from './clusters.ts'
import { newTokenForm, scopeWords } from './new-token.ts'

const lookMs = 5000

/** One's own access tokens, to make and to revoke; for administrators, at another place, everybody's. */
export const tokensView: MakeView = (page, { path }, signal) => {
  const isAdmins = path[0] === 'admin'
  const list = tokenList(page, isAdmins, signal)
  const explained = isAdmins
    ? 'Access tokens of all users. A secret is shown once, to its owner alone.'
    : 'A program uses a token in place of your password. It may do what its scope says, until it expires or is revoked.'
  const making = isAdmins ? null : newTokenForm(page, list.look)
  return {
    title: 'Access tokens',
    content: [
      element('h1', {}, 'Access tokens'),
      ...(page.user.admin ? [whoseTabs('tokens', isAdmins)] : []),
      element('p', { class: 'lead' }, explained),
      ...(making === null ? [] : [making]),
      list.node,
    ],
  }
}

/** For administrators: a place of theirs beside one's own. */
export function whoseTabs(place: string, isAdmins: boolean): HTMLElement {
  const tab = (href: string, label: string, isHere: boolean) =>
    element('a', { href, 'aria-current': isHere ? 'page' : null }, label)
  return element(
    'nav',
    { class: 'tabs', 'aria-label': 'Whose' },
    tab(`#/${place}`, 'Mine', !isAdmins),
    tab(`#/admin/${place}`, 'Everybody’s', isAdmins),
  )
}

function tokenList(page: Page, isAdmins: boolean, signal: AbortSignal) {
  const { client } = page
  const columns = ['Name', ...(isAdmins ? ['User'] : []), 'Scope', 'Made', 'Expires', 'Last used']
  const { table, body } = tableOf('Access tokens', [...columns, null])
  const show = keyedList<AccessToken>(
    body,
    ({ id }) => id,
    (token) => rowOf(page, token, isAdmins, look),
  )
  const none = element(
    'div',
    { class: 'empty', hidden: true },
    element('p', {}, isAdmins ? 'There are no such tokens.' : 'You have no access tokens.'),
  )
  const wait = loading()
  const user = element('input', {
    ...{ id: 'of-user', autocomplete: 'off', spellcheck: 'false', autocapitalize: 'none' },
  })
  const filter = element(
    'form',
    { class: 'toolbar', role: 'search', novalidate: true },
    labelled('User, exactly', user),
  )
  filter.addEventListener('submit', (event) => event.preventDefault())
  const results = element('div', {}, wait, table, none)
  table.hidden = true

  const look = latest(signal, (asked) => {
    const whose = user.value.trim()
    void keepLooking(asked, lookMs, async (looking) => {
      const calling = { signal: looking }
      const tokens = await (isAdmins
        ? client.admin.tokens(whose === '' ? undefined : whose, calling)
        : client.tokens(calling))
      wait.hidden = true
      show(tokens)
      table.hidden = tokens.length === 0
      none.hidden = tokens.length > 0
      return true
    }).catch((error: unknown) => showFault(results, error))
  })
  whenTyped([user], look)
  look()
  const node = element('section', { 'aria-label': 'Access tokens' })
  node.append(...(isAdmins ? [filter] : []), results)
  return { node, look }
}

function rowOf(
  { client, announce }: Page,
  token: AccessToken,
  isAdmins: boolean,
  changed: () => void,
): Row<AccessToken> {
  const { id, name, username } = token
  const expires = cell('Expires')
  const used = cell('Last used')
  const button = element(
    'button',
    { type: 'button', class: 'quiet', 'aria-label': `Revoke token ${name}` },
    'Revoke',
  )
  button.addEventListener('click', () => {
    const whose = isAdmins ? `token “${name}” of ${username}` : `token “${name}”`
    void confirmed({
      title: 'Revoke this token?',
      text: `Programs that use the ${whose} are refused from now on, also with tokens that were made by it. This cannot be undone.`,
      action: 'Revoke token',
      run: () => revoked(isAdmins ? client.admin.revokeToken(id) : client.revokeToken(id)),
    }).then((isDone) => {
      if (!isDone) return
      announce(`Token ${name} is revoked`)
      changed()
    })
  })
  const cells = [
    element('th', { scope: 'row' }, element('span', { class: 'user' }, name)),
    ...(isAdmins ? [cell('User', element('span', { class: 'user' }, username))] : []),
    cell('Scope', element('span', {}, scopeWords[token.scope].name)),
    cell('Made', element('span', {}, timeOf(token.created_at))),
    expires,
    used,
    element('td', { class: 'actions' }, button),
  ]
  return {
    node: element('tr', {}, ...cells),
    update({ expires_at, last_used_at }) {
      const isOver = expires_at !== null && expires_at <= Date.now()
      setText(expires, expires_at === null ? 'never' : timeOf(expires_at))
      expires.classList.toggle('over', isOver)
      setText(used, last_used_at === null ? 'never' : timeOf(last_used_at))
    },
  }
}

/** One that somebody else has revoked meanwhile is as gone as was asked for. */
async function revoked(asked: Promise<void>): Promise<void> {
  await asked.catch((error: unknown) => {
    if (!(error instanceof GatewayError) || error.code !== 'not-found') throw error
  })
}
