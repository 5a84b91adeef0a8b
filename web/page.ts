import type { GatewayClient, User } from '../client/src/index.ts'
import type { LiveClusters } from './live-clusters.ts'

/** What every part of the page works with. */
export interface Page {
  readonly client: GatewayClient
  readonly user: User
  readonly clusters: LiveClusters
  /** Says it to those who do not see it. */
  announce(text: string): void
}

/** What the part of the URL after # asks for. */
export interface Place {
  /** Without empty parts: `['clusters', NAME, 'log']`. */
  readonly path: readonly string[]
  readonly query: URLSearchParams
}

export interface View {
  readonly title: string
  readonly content: readonly Node[]
  /** Shows another place without being made anew; false: it is none of this view's. */
  readonly go?: (place: Place) => boolean
}

/** Makes a view; `signal` aborts when it is left. */
export type MakeView = (page: Page, place: Place, signal: AbortSignal) => View

export function placeOf(hash: string): Place {
  const [path = '', query = ''] = hash.replace(/^#/, '').split(/\?(.*)/s)
  const parts = path.split('/').filter((part) => part !== '')
  return { path: parts.map(decoded), query: new URLSearchParams(query) }
}

export function linkTo(...path: readonly string[]): string {
  return `#/${path.map(encodeURIComponent).join('/')}`
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
