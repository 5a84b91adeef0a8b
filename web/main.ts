import { createGatewayClient, type GatewayClient, type User } from '../client/src/index.ts'
import { isLoginOver, keepFollowing } from './connection.ts'
import { byId, replaceContent, setText } from './dom.ts'
import { followClusters } from './live-clusters.ts'
import { loginLink, returnToPlace } from './login-place.ts'
import { type Page, placeOf, type View } from './page.ts'
import { navigationLinks, viewOf } from './places.ts'

returnToPlace()

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
    location.replace(loginLink())
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
    const navigation = byId('navigation')
    replaceContent(navigation, ...navigationLinks(user, place))
    // On a telephone not all of it is seen.
    navigation
      .querySelector('[aria-current]')
      ?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
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
