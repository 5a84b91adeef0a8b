import { accept } from './context-calls.ts'
import { acquireAccepting, releaseCredential } from './credential-calls.ts'
import { KerberosError } from './kerberos-error.ts'
import { explained } from './keytab-faults.ts'
import { localLane } from './lane.ts'
import type { Handle } from './name-calls.ts'
import { type Native, openNative } from './native.ts'
import { createSecurityContext, type SecurityContext } from './security-context.ts'

export interface AcceptorOptions {
  /** The file with the service's keys. It is read at each first step, so it may be replaced. */
  readonly keytab: string
  /** `HTTP`, for any host of the keytab; `HTTP@host`; or a principal, `HTTP/host@REALM`. */
  readonly service: string
  /** For each step; 10 s when absent. Another process that holds the replay cache may make it wait. */
  readonly limitMs?: number
}

/** The service's side: says who sent a token. It speaks Kerberos and Kerberos in SPNEGO, and asks no KDC. */
export interface Acceptor {
  /** Looks at the keytab, so that what is wrong is known at start. */
  check(): Promise<void>
  /** A new context. Its first `step` takes the client's token. */
  begin(options?: { readonly channelBindings?: Uint8Array }): SecurityContext
  close(): void
}

export function createAcceptor(options: AcceptorOptions): Acceptor {
  const { keytab, service, limitMs = 10_000 } = options
  let acquiring: Promise<Handle> | null = null
  let users = 0
  let isClosed = false

  async function acquire(native: Native): Promise<Handle> {
    if (isClosed) throw new KerberosError('misuse', 'The Kerberos service has been closed')
    acquiring ??= localLane.run(() => acquireAccepting(native, { keytab, service }))
    const mine = acquiring
    try {
      return await mine
    } catch (error) {
      if (acquiring === mine) acquiring = null
      throw error
    }
  }

  async function use<T>(work: (native: Native, credential: Handle) => Promise<T>): Promise<T> {
    users += 1
    try {
      const native = await openNative()
      return await work(native, await acquire(native))
    } finally {
      users -= 1
      release()
    }
  }

  function release(): void {
    if (!isClosed || users > 0 || acquiring === null) return
    const acquired = acquiring
    acquiring = null
    // One that could not be acquired is nothing to release, and was told where it was asked for.
    Promise.all([openNative(), acquired]).then(
      ([native, credential]) => releaseCredential(native, credential),
      () => {},
    )
  }

  const withWords = <T>(work: Promise<T>) => explained(work, { keytab, wanted: service })

  return {
    check: () => withWords(use(async () => {})),
    begin({ channelBindings } = {}) {
      return createSecurityContext(openNative, {
        limitMs,
        tooLate: `A Kerberos token could not be looked at within ${limitMs / 1000} s`,
        takeStep: (cell, token, isWanted) =>
          withWords(
            use((native, credential) =>
              localLane.run(async () => {
                if (token === null || !isWanted())
                  throw new KerberosError('misuse', 'There is no Kerberos token to look at')
                const doing = 'The Kerberos token is refused'
                const bindings = channelBindings ?? null
                return accept(native, cell, { credential, bindings, token, doing })
              }),
            ),
          ),
      })
    },
    close() {
      isClosed = true
      release()
    },
  }
}
