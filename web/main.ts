import { createGatewayClient, type GatewayClient, type User } from '../client/src/index.ts'
import { isLoginOver, keepFollowing } from './connection.ts'
import { byId, element, replaceContent, setText } from './dom.ts'
import { followClusters } from './live-clusters.ts'
import { type MakeView, type Page, type Place, placeOf, type View } from './page.ts'
import { adminClustersView } from './views/admin-clusters.ts'
import { adminEventsView } from './views/admin-events.ts'
import { adminHealthView } from './views/admin-health.ts'
import { clusterView } from './views/cluster.ts'
import { clustersView } from './views/clusters.ts'
import { newClusterView } from './views/new-cluster.ts'

const client = createGatewayClient({
  // Below whatever prefix the page came from.
  address: new URL('.', location.href).href,
  fetch: (url, init) => {
    const headers = new Headers(init?.headers)
    // So that the gateway does not make the browser ask for a password in a window of its own.
    headers.set('x-requested-with', 'XMLHttpRequest')
    return fetch(url, { ...init, headers })
  },
})

void keepFollowing(new AbortController().signal, async ({ signal }) => {
  try {
    begin(client, await client.user({ signal }))
  } catch (error) {
    if (!isLoginOver(error)) throw error
    location.replace('login')
  }
})

function begin(gateway: GatewayClient, user: User): void {
  const announcements = byId('announcements')
  const announce = (text: string) => setText(announcements, text)
  const page: Page = {
    client: gateway,
    user,
    announce,
    clusters: followClusters(gateway, announce),
  }
  setText(byId('user'), user.name)
  byId('skip').addEventListener('click', (event) => {
    event.preventDefault()
    byId('main').focus()
  })

  let left = new AbortController()
  let view: View | null = null
  let isFirst = true
  function go(): void {
    const place = placeOf(location.hash)
    showNavigation(user, place)
    if (view?.go?.(place) === true) return
    left.abort()
    left = new AbortController()
    view = viewOf(place, user)(page, place, left.signal)
    document.title = `${view.title} · Dask gateway`
    const main = byId('main')
    replaceContent(main, ...view.content)
    window.scrollTo(0, 0)
    // Who does not see the page hears where they are; at the start the browser says it.
    const heading = main.querySelector('h1')
    heading?.setAttribute('tabindex', '-1')
    if (!isFirst) heading?.focus()
    isFirst = false
  }
  window.addEventListener('hashchange', go)
  go()
}

const notFound: MakeView = () => ({
  title: 'Not found',
  content: [
    element('h1', {}, 'There is nothing here'),
    element('p', {}, element('a', { href: '#/' }, 'To your clusters')),
  ],
})

function viewOf({ path }: Place, { admin }: User): MakeView {
  const [first, second, third] = path
  if (first === undefined) return clustersView
  if (first === 'new') return newClusterView
  if (first === 'clusters' && second !== undefined) return clusterView
  if (first !== 'admin' || !admin) return notFound
  if (second === 'clusters') return third === undefined ? adminClustersView : clusterView
  if (second === 'health') return adminHealthView
  return second === 'events' ? adminEventsView : notFound
}

function showNavigation(user: User, { path }: Place): void {
  const places = [
    ['#/', 'My clusters', path[0] !== 'admin'],
    ...(user.admin
      ? ([
          ['#/admin/clusters', 'All clusters', path[1] === 'clusters'],
          ['#/admin/health', 'Health', path[1] === 'health'],
          ['#/admin/events', 'Audit', path[1] === 'events'],
        ] as const)
      : []),
  ] as const
  replaceContent(
    byId('navigation'),
    ...places.map(([href, name, isHere]) =>
      element('a', { href, 'aria-current': isHere ? 'page' : null }, name),
    ),
  )
}
