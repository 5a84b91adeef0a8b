import { GatewayError } from '../client/src/index.ts'
import { byId, element, replaceContent } from './dom.ts'
import { loginLink } from './login-place.ts'
import { messageOf } from './words.ts'

/** What looks at the gateway for as long as a part of the page is open. */
export interface Following {
  /** Aborts when nobody looks any more, or the page is hidden. */
  readonly signal: AbortSignal
  /** For the streams of the SDK. */
  readonly onInterruption: (error: GatewayError | null) => void
  readonly recoverMs: number
}

/** Short breaks, as at the end of a stream's life, are nothing to speak of. */
const patienceMs = 1000
const joyMs = 6000
const retryMs = 2000
/** A hidden page lets go of its connections: a browser has six to one host (HTTP/1.1), for all of its pages. */
const hiddenMs = 10_000

const broken = new Set<object>()
let state: 'well' | 'lost' | 'logged out' = 'well'
/** Until a break is spoken of, and until that it is over is no news any more. */
let patience: ReturnType<typeof setTimeout> | undefined
let joy: ReturnType<typeof setTimeout> | undefined

/**
 * Does `work` until it ends or `signal` aborts, anew after each failure that time may mend, and tells the person of failures at the top of
 * the page. Errors that will stay (not found, forbidden, invalid) are thrown.
 */
export async function keepFollowing(
  signal: AbortSignal,
  work: (following: Following) => Promise<void>,
): Promise<void> {
  const source = {}
  signal.addEventListener('abort', () => report(source, null))
  while (!signal.aborted) {
    await whenVisible(signal)
    const looking = lookingUntilHidden(signal)
    try {
      await work({
        signal: looking.signal,
        onInterruption: (error) => report(source, error),
        recoverMs: Number.POSITIVE_INFINITY,
      })
      report(source, null)
      return
    } catch (error) {
      if (signal.aborted) return
      if (looking.signal.aborted) continue
      if (!report(source, error)) throw error
      if (isLoginOver(error)) return
    } finally {
      looking.end()
    }
    await pause(retryMs, signal)
  }
}

/** Does `look` at once and then every `everyMs`, until it says false. */
export function keepLooking(
  signal: AbortSignal,
  everyMs: number,
  look: (signal: AbortSignal) => Promise<boolean>,
): Promise<void> {
  return keepFollowing(signal, async ({ signal: looking, onInterruption }) => {
    while (await look(looking)) {
      onInterruption(null)
      await pause(everyMs, looking)
      looking.throwIfAborted()
    }
  })
}

/** Returns what does `work` each time it is called, and ends what that did before; `signal` ends the last. */
export function latest(signal: AbortSignal, work: (signal: AbortSignal) => void): () => void {
  let before = new AbortController()
  return () => {
    before.abort()
    before = new AbortController()
    work(AbortSignal.any([signal, before.signal]))
  }
}

/** Tells of a connection, and whether what is wrong may pass. */
function report(source: object, error: unknown): boolean {
  if (isLoginOver(error)) {
    show('logged out', '')
    return true
  }
  if (error === null) {
    broken.delete(source)
    if (broken.size > 0 || state === 'logged out') return true
    clearTimeout(patience)
    if (state === 'lost') show('well', '')
    return true
  }
  if (!mayPass(error)) return false
  if (broken.size === 0 && state === 'well') {
    clearTimeout(patience)
    patience = setTimeout(() => show('lost', messageOf(error)), patienceMs)
  }
  broken.add(source)
  return true
}

function show(next: typeof state, why: string): void {
  const place = byId('connection')
  const before = state
  state = next
  place.dataset.state = next
  if (next === 'lost')
    replaceContent(
      place,
      element('strong', {}, 'The gateway does not answer.'),
      ' Trying again… ',
      element('small', {}, why),
    )
  else if (next === 'logged out')
    replaceContent(
      place,
      element('strong', {}, 'Your login has ended. '),
      element('a', { href: 'login', onclick: toLogin }, 'Log in again'),
    )
  else if (before === 'lost') {
    replaceContent(place, 'The gateway answers again. What you see is up to date.')
    clearTimeout(joy)
    joy = setTimeout(() => {
      if (state === 'well') place.replaceChildren()
    }, joyMs)
  }
}

/** The place is that of the click: one may have gone on meanwhile. */
function toLogin(event: Event): void {
  event.preventDefault()
  location.assign(loginLink())
}

/** A login that ended under the open page: said at the top, as it concerns all of it. */
export function isLoginOver(error: unknown): boolean {
  return error instanceof GatewayError && error.code === 'unauthenticated'
}

export function tellLoginOver(error: unknown): void {
  if (isLoginOver(error)) report({}, error)
}

function mayPass(error: unknown): boolean {
  return (
    !(error instanceof GatewayError) ||
    ['unreachable', 'unavailable', 'upstream', 'internal', 'unexpected'].includes(error.code)
  )
}

function lookingUntilHidden(signal: AbortSignal) {
  const hidden = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  const changed = () => {
    clearTimeout(timer)
    if (document.hidden) timer = setTimeout(() => hidden.abort(), hiddenMs)
  }
  document.addEventListener('visibilitychange', changed)
  return {
    signal: AbortSignal.any([signal, hidden.signal]),
    end() {
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', changed)
    },
  }
}

async function whenVisible(signal: AbortSignal): Promise<void> {
  while (document.hidden && !signal.aborted)
    await new Promise<void>((resolve) => {
      const once = { once: true, signal }
      document.addEventListener('visibilitychange', () => resolve(), once)
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}
