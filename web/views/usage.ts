import type { Usage, UsageKey, UsageSum } from '../../client/src/index.ts'
import { keepFollowing, latest } from '../connection.ts'
import { busy, loading, notice, showFault, tableOf, whenTyped } from '../controls.ts'
import { element, replaceContent } from '../dom.ts'
import { formField } from '../form-field.ts'
import type { MakeView } from '../page.ts'
import { hoursOf, sizeOf } from '../words.ts'
import { cell } from './clusters.ts'
import { whoseTabs } from './tokens.ts'

const mostShown = 1000
const keyNames: { readonly [key in UsageKey]: string } = {
  day: 'Day',
  month: 'Month',
  user: 'User',
  group: 'Group',
  label: 'Label',
}
const ownSums: readonly (readonly UsageKey[])[] = [
  ['day'],
  ['month'],
  ['label'],
  ['month', 'label'],
]
const allSums: readonly (readonly UsageKey[])[] = [
  ...([['user'], ['group'], ['label'], ['month'], ['day']] as const),
  ...([
    ['month', 'user'],
    ['month', 'group'],
    ['month', 'label'],
    ['user', 'label'],
  ] as const),
]
const amounts = ['Cluster hours', 'Worker hours', 'Core hours', 'Memory hours'] as const

/** What one's clusters used, or everybody's: sums over days, as a table and for spreadsheets. */
export const usageView: MakeView = (page, { path }, signal) => {
  const isAdmins = path[0] === 'admin'
  const sums = isAdmins ? allSums : ownSums
  const today = new Date().toISOString().slice(0, 10)
  const from = formField('From', dayInput('usage-from', `${today.slice(0, 7)}-01`))
  const to = formField('To', dayInput('usage-to', today))
  const by = formField(
    'Sums by',
    element(
      'select',
      { id: 'usage-by' },
      ...sums.map((keys) => element('option', {}, nameOf(keys))),
    ),
  )
  const plain = { autocomplete: 'off', spellcheck: 'false', autocapitalize: 'none' }
  const user = formField('User, exactly', element('input', { id: 'usage-user', ...plain }))
  const save = element('button', { type: 'button', class: 'quiet' }, 'Save as CSV')
  const fault = notice()
  const results = element('div', {}, loading())

  function query() {
    const whose = user.input.value.trim()
    return {
      from: from.input.value,
      to: to.input.value,
      by: sums[by.input.selectedIndex] ?? [],
      ...(isAdmins && whose !== '' ? { user: whose } : {}),
    }
  }

  /** Whether the days can be asked for; what is wrong is said beside the field, without taking the focus from who types. */
  function isRight(): boolean {
    const { from: first, to: last } = query()
    for (const field of [from, to]) field.accept()
    if (first === '' || last === '' || first <= last) return first !== '' && last !== ''
    to.complain('Before the first day')
    return false
  }

  const look = latest(signal, (asked) => {
    if (!isRight()) return
    const { client } = page
    void keepFollowing(asked, async ({ signal: looking }) => {
      const calling = { signal: looking }
      const found = await (isAdmins ? client.admin : client).usage(query(), calling)
      replaceContent(results, ...shown(found))
    }).catch((error: unknown) => showFault(results, error))
  })
  save.addEventListener('click', () => {
    fault.clear()
    if (!isRight()) return
    void busy(save, async () => {
      try {
        const asks = query()
        const { client } = page
        const text = await (isAdmins ? client.admin : client).usageCsv(asks)
        saveFile(text, `usage-${asks.from}-${asks.to}.csv`)
      } catch (error) {
        fault.tell(error)
      }
    })
  })
  whenTyped(
    [from, to, by, user].map(({ input }) => input),
    look,
  )
  look()

  const form = element(
    'form',
    { class: 'row filters', role: 'search', novalidate: true },
    ...[from, to, by, ...(isAdmins ? [user] : [])].map(({ node }) => node),
    element('div', { class: 'actions' }, save),
  )
  form.addEventListener('submit', (event) => event.preventDefault())
  return {
    title: 'Usage',
    content: [
      element('h1', {}, 'Usage'),
      ...(page.user.admin ? [whoseTabs('usage', isAdmins)] : []),
      element(
        'p',
        { class: 'lead' },
        'What clusters had reserved, until now for those that run. Days are those of UTC.',
      ),
      form,
      fault.node,
      results,
    ],
  }
}

function dayInput(id: string, value: string): HTMLInputElement {
  return element('input', { id, type: 'date', value, required: true })
}

function nameOf(keys: readonly UsageKey[]): string {
  return keys
    .map((key) => keyNames[key])
    .join(' and ')
    .toLowerCase()
}

function shown({ by, usage }: Usage): readonly Node[] {
  if (usage.length === 0)
    return [element('div', { class: 'empty' }, element('p', {}, 'Nothing was used in these days.'))]
  const { table, body } = tableOf('Usage', [...by.map((key) => keyNames[key]), ...amounts])
  for (const sum of usage.slice(0, mostShown)) body.append(rowOf(by, sum))
  if (usage.length <= mostShown) return [table]
  const cut = `The first ${mostShown} of ${usage.length} are shown; all are in the CSV.`
  return [table, element('p', { class: 'muted' }, cut)]
}

function rowOf(by: readonly UsageKey[], sum: UsageSum): HTMLElement {
  const [first = '', ...others] = by.map((key) => sum[key] ?? 'none')
  const texts = [
    hoursOf(sum.cluster_seconds),
    hoursOf(sum.worker_seconds),
    hoursOf(sum.core_seconds),
    `${sizeOf(sum.memory_byte_seconds / 3600)} h`,
  ]
  return element(
    'tr',
    {},
    element('th', { scope: 'row' }, element('span', { class: 'user' }, first)),
    ...others.map((text, index) =>
      cell(keyNames[by[index + 1] ?? 'day'], element('span', { class: 'user' }, text)),
    ),
    ...texts.map((text, index) => cell(amounts[index] ?? '', element('span', {}, text))),
  )
}

function saveFile(text: string, name: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/csv' }))
  element('a', { href: url, download: name }).click()
  // The browser has taken it by then.
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}
