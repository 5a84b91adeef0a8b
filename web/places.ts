import type { User } from '../client/src/index.ts'
import { element } from './dom.ts'
import type { MakeView, Place } from './page.ts'
import { adminClustersView } from './views/admin-clusters.ts'
import { adminEventsView } from './views/admin-events.ts'
import { adminHealthView } from './views/admin-health.ts'
import { adminQuotasView } from './views/admin-quotas.ts'
import { clusterView } from './views/cluster.ts'
import { clustersView } from './views/clusters.ts'
import { newClusterView } from './views/new-cluster.ts'
import { tokensView } from './views/tokens.ts'
import { usageView } from './views/usage.ts'

interface Entry {
  readonly href: string
  readonly name: string
  /** First parts of the places that belong to it. */
  readonly parts: readonly string[]
  readonly isAdmins?: true
}

const entries: readonly Entry[] = [
  { href: '#/', name: 'My clusters', parts: ['', 'new', 'clusters'] },
  { href: '#/usage', name: 'Usage', parts: ['usage', 'admin/usage'] },
  { href: '#/tokens', name: 'Tokens', parts: ['tokens', 'admin/tokens'] },
  { href: '#/admin/clusters', name: 'All clusters', parts: ['admin/clusters'], isAdmins: true },
  { href: '#/admin/quotas', name: 'Quotas', parts: ['admin/quotas'], isAdmins: true },
  { href: '#/admin/health', name: 'Health', parts: ['admin/health'], isAdmins: true },
  { href: '#/admin/events', name: 'Audit', parts: ['admin/events'], isAdmins: true },
]

/** The links at the top of the page. */
export function navigationLinks(user: User, { path }: Place): readonly HTMLElement[] {
  const here = path.slice(0, path[0] === 'admin' ? 2 : 1).join('/')
  return entries
    .filter(({ isAdmins }) => isAdmins !== true || user.admin)
    .map(({ href, name, parts }) =>
      element('a', { href, 'aria-current': parts.includes(here) ? 'page' : null }, name),
    )
}

export function viewOf({ path }: Place, { admin }: User): MakeView {
  const [first, second, third] = path
  switch (first) {
    case undefined:
      return clustersView
    case 'new':
      return newClusterView
    case 'clusters':
      return second === undefined ? notFound : clusterView
    case 'tokens':
      return tokensView
    case 'usage':
      return usageView
    case 'admin':
      return admin ? adminViewOf(second, third) : notFound
    default:
      return notFound
  }
}

function adminViewOf(second: string | undefined, third: string | undefined): MakeView {
  switch (second) {
    case 'clusters':
      return third === undefined ? adminClustersView : clusterView
    case 'tokens':
      return tokensView
    case 'usage':
      return usageView
    case 'quotas':
      return adminQuotasView
    case 'health':
      return adminHealthView
    case 'events':
      return adminEventsView
    default:
      return notFound
  }
}

const notFound: MakeView = () => ({
  title: 'Not found',
  content: [
    element('h1', {}, 'There is nothing here'),
    element('p', {}, element('a', { href: '#/' }, 'To your clusters')),
  ],
})
