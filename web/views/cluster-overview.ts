import type { ClusterInfo, Json } from '../../client/src/index.ts'
import type { ClusterAccess } from '../cluster-access.ts'
import { copyable } from '../controls.ts'
import { add, element } from '../dom.ts'
import type { Page, Place } from '../page.ts'
import { pythonLines } from '../python-lines.ts'
import { isOver } from '../words.ts'
import type { Panel } from './cluster.ts'
import { scalingForms } from './cluster-scaling.ts'

export interface PanelContext {
  readonly page: Page
  readonly access: ClusterAccess
  readonly cluster: ClusterInfo
  readonly place: Place
  readonly signal: AbortSignal
}

/** Scaling, the options that were chosen, and the lines that connect. */
export function overviewPanel({ page, access, cluster }: PanelContext): Panel {
  const forms = access.isMine ? scalingForms(page, cluster) : null
  const node = element('div', { class: 'columns' }, forms?.node ?? null)
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
    if (forms !== null) forms.node.hidden = isOver(now) || now.status === 'STOPPING'
    forms?.update(now)
    connect.hidden = isOver(now)
  }
  update(cluster)
  return { node, update }
}

function optionsOf({ options }: ClusterInfo): HTMLElement | null {
  const chosen = Object.entries(options)
  if (chosen.length === 0) return null
  const textOf = (value: Json) => (typeof value === 'string' ? value : JSON.stringify(value))
  const pairs = chosen.map(([name, value]) =>
    element('div', {}, element('dt', {}, name), element('dd', {}, textOf(value))),
  )
  return element(
    'section',
    { 'aria-labelledby': 'options' },
    element('h2', { id: 'options' }, 'Options'),
    element('dl', { class: 'pairs' }, ...pairs),
  )
}
