import { initiate } from './context-calls.ts'
import { KerberosError } from './kerberos-error.ts'
import { explained } from './keytab-faults.ts'
import { kdcLane, localLane } from './lane.ts'
import { importName, releaseName } from './name-calls.ts'
import { openNative } from './native.ts'
import { createSecurityContext, type SecurityContext } from './security-context.ts'
import { createTickets } from './tickets.ts'
import { withLimit } from './with-limit.ts'

export interface InitiatorOptions {
  /** The file with the client's key. It is read when a ticket is got, so it may be replaced. */
  readonly keytab: string
  /** Whose key to use of those in it: `dask@EXAMPLE.ORG`, or `dask` of the default realm. */
  readonly principal: string
  /** For a ticket, and for each step; 10 s when absent. */
  readonly limitMs?: number
}

/** A service, as its host offers it or by its principal, `yarn/host@REALM`. */
export type Target =
  | { readonly service: string; readonly host: string }
  | { readonly principal: string }

export interface BeginOptions {
  /** `krb5` when absent, as in SASL; HTTP wants `spnego`. */
  readonly mechanism?: 'krb5' | 'spnego'
  /** Whether messages will be encrypted; true when absent. */
  readonly confidential?: boolean
  /** What ties it to the channel below (RFC 5929), as the other side has it. */
  readonly channelBindings?: Uint8Array
}

/**
 * The client's side: logs in by a keytab, without kinit and without a file for tickets, and keeps its ticket fresh. Nothing
 * happens before the first use. Errors are KerberosErrors.
 */
export interface Initiator {
  /** Gets a ticket, unless there is one: so that what is wrong is known at start. When it must be used up. */
  login(): Promise<{ readonly expiresAtMs: number }>
  /** A new context with a service. Its first `step` takes null. */
  begin(target: Target, options?: BeginOptions): SecurityContext
  /** Gets new tickets at the next use, for a service whose key has changed. */
  forget(): void
  /** Contexts that are done go on. */
  close(): void
}

export function createInitiator(options: InitiatorOptions): Initiator {
  const { keytab, principal, limitMs = 10_000 } = options
  const tickets = createTickets({ keytab, principal })
  const tooLate = `The KDC did not answer within ${limitMs / 1000} s (as ${principal})`
  const withWords = <T>(work: Promise<T>) => explained(work, { keytab, wanted: principal })

  return {
    login() {
      const ticket = tickets.use(async (_, { expiresAtMs }) => ({ expiresAtMs }))
      return withLimit(withWords(ticket), limitMs, tooLate)
    },
    begin(target, { mechanism = 'krb5', confidential = true, channelBindings } = {}) {
      const { text, kind } = nameOf(target)
      const doing = `${principal} cannot log in to ${text}`
      return createSecurityContext(openNative, {
        limitMs,
        tooLate: `${doing}: the KDC did not answer within ${limitMs / 1000} s`,
        takeStep: (cell, token, isWanted) =>
          withWords(
            tickets.use((native, ticket) => {
              // Only a first step asks the KDC, and only for a ticket that is not there.
              const isKnown = (ticket.targets.get(text) ?? 0) > Date.now()
              const lane = token === null && !isKnown ? kdcLane : localLane
              return lane.run(async () => {
                if (!isWanted()) throw new KerberosError('unavailable', tooLate)
                const name = importName(native, text, kind)
                try {
                  const { credential } = ticket
                  const bindings = channelBindings ?? null
                  const result = await initiate(native, cell, {
                    ...{
                      credential,
                      target: name,
                      mechanism,
                      confidential,
                      bindings,
                      token,
                      doing,
                    },
                  })
                  ticket.targets.set(text, Date.now() + 900 * result.lifeSeconds)
                  return result
                } finally {
                  releaseName(native, name)
                }
              })
            }),
          ),
      })
    },
    forget: tickets.forget,
    close: tickets.close,
  }
}

/**
 * A new context with a service, by the ticket that the user of this process has got with kinit (`KRB5CCNAME`). `limitMs`, for each step, is
 * 10 s when absent.
 */
export function beginByTicket(
  target: Target,
  { mechanism = 'krb5', confidential = true, channelBindings }: BeginOptions = {},
  limitMs = 10_000,
): SecurityContext {
  const { text, kind } = nameOf(target)
  const doing = `No login to ${text} by Kerberos`
  return createSecurityContext(openNative, {
    limitMs,
    tooLate: `${doing}: the KDC did not answer within ${limitMs / 1000} s`,
    takeStep: (cell, token) =>
      kdcLane.run(async () => {
        const native = await openNative()
        const name = importName(native, text, kind)
        const bindings = channelBindings ?? null
        try {
          return await initiate(native, cell, {
            ...{ credential: null, target: name, mechanism, confidential, bindings, token, doing },
          })
        } finally {
          releaseName(native, name)
        }
      }),
  })
}

/** The host often comes from the other side, so nothing in it may mean something else in a name. */
function nameOf(target: Target): {
  readonly text: string
  readonly kind: 'service' | 'principal'
} {
  if ('principal' in target) return { text: target.principal, kind: 'principal' }
  const { service, host } = target
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(service) || !/^[A-Za-z0-9._:-]{1,255}$/.test(host))
    throw new KerberosError(
      'misuse',
      `${JSON.stringify(`${service}@${host}`)} is no Kerberos service of a host`,
    )
  return { text: `${service}@${host}`, kind: 'service' }
}
