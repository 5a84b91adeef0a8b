import { randomUUID } from 'node:crypto'
import { acquireInitiating, destroyCache, releaseCredential } from './credential-calls.ts'
import { KerberosError } from './kerberos-error.ts'
import { kdcLane } from './lane.ts'
import type { Handle } from './name-calls.ts'
import { type Native, openNative } from './native.ts'

/** A ticket of a client, in a cache in memory of its own, with the services' tickets that it got. */
export interface Ticket {
  readonly credential: Handle
  readonly expiresAtMs: number
  /** Until when the cache has a ticket for a target. */
  readonly targets: Map<string, number>
}

/** Keeps a client's ticket: got when first used, and anew at half of its life, while the old one is used. */
export interface Tickets {
  /** Runs `work` with a ticket, which lives until `work` has ended. Without a limit: the KDC may take its time. */
  use<T>(work: (native: Native, ticket: Ticket) => Promise<T>): Promise<T>
  /** The next use gets a new one. */
  forget(): void
  close(): void
}

const retryAfterMs = 30_000

interface Kept extends Ticket {
  readonly cacheName: string
  readonly renewAtMs: number
  users: number
  isRetired: boolean
}

export function createTickets(options: {
  readonly principal: string
  readonly keytab: string
}): Tickets {
  let current: Kept | null = null
  let renewing: Promise<Kept> | null = null
  let retryAtMs = 0
  let isClosed = false

  function retire(native: Native, ticket: Kept): void {
    ticket.isRetired = true
    if (ticket.users > 0) return
    releaseCredential(native, ticket.credential)
    destroyCache(native, ticket.cacheName)
  }

  async function acquire(): Promise<Kept> {
    const native = await openNative()
    const cacheName = `MEMORY:${randomUUID()}`
    let acquired: Awaited<ReturnType<typeof acquireInitiating>>
    try {
      acquired = await kdcLane.run(() => acquireInitiating(native, { ...options, cacheName }))
    } catch (error) {
      destroyCache(native, cacheName)
      throw error
    }
    const lifeMs = acquired.lifeSeconds * 1000
    const ticket: Kept = {
      credential: acquired.credential,
      cacheName,
      // What is nearly over is over when it gets there.
      expiresAtMs: Date.now() + lifeMs - Math.min(60_000, lifeMs / 10),
      renewAtMs: Date.now() + lifeMs / 2,
      targets: new Map(),
      users: 0,
      isRetired: false,
    }
    if (current !== null) retire(native, current)
    current = ticket
    if (isClosed) forgetNow(native)
    return ticket
  }

  function renew(): Promise<Kept> {
    renewing ??= acquire().finally(() => {
      renewing = null
    })
    return renewing
  }

  function renewInTime(): void {
    if (renewing !== null || Date.now() < retryAtMs) return
    renew().catch(() => {
      retryAtMs = Date.now() + retryAfterMs
    })
  }

  async function ticketNow(): Promise<Kept> {
    if (isClosed) throw new KerberosError('misuse', 'The Kerberos client has been closed')
    if (current === null || Date.now() >= current.expiresAtMs) return renew()
    if (Date.now() >= current.renewAtMs) renewInTime()
    return current
  }

  function forgetNow(native: Native): void {
    if (current !== null) retire(native, current)
    current = null
  }

  function forget(): void {
    // A ticket is there, so the library is.
    if (current !== null) void openNative().then(forgetNow)
  }

  return {
    async use(work) {
      const native = await openNative()
      let ticket = await ticketNow()
      // One that was forgotten meanwhile has been released.
      while (ticket.isRetired) ticket = await ticketNow()
      ticket.users += 1
      try {
        return await work(native, ticket)
      } finally {
        ticket.users -= 1
        if (ticket.isRetired) retire(native, ticket)
      }
    },
    forget,
    close() {
      isClosed = true
      forget()
    },
  }
}
