import { withMemory } from './memory.ts'
import { cellOf, type Handle, importName, releaseName } from './name-calls.ts'
import type { Native } from './native.ts'
import { oids } from './oids.ts'
import { throwIfFailed } from './status.ts'

const toInitiate = 1
const toAccept = 2
const indefinitely = 0xffffffff

export interface Acquired {
  readonly credential: Handle
  readonly lifeSeconds: number
}

/** A client's: its keytab's key and the KDC give a ticket, which goes to the cache. In a thread, which the KDC may hold. */
export function acquireInitiating(
  native: Native,
  options: { readonly principal: string; readonly keytab: string; readonly cacheName: string },
): Promise<Acquired> {
  const { principal, keytab, cacheName } = options
  const store = { client_keytab: `FILE:${keytab}`, ccache: cacheName }
  const doing = `No ticket for ${principal} by the keytab ${keytab}`
  return acquire(native, importName(native, principal, 'principal'), toInitiate, store, doing)
}

/** A service's: the keytab is looked at now, and read anew at each `accept`. In a thread. */
export async function acquireAccepting(
  native: Native,
  options: { readonly service: string; readonly keytab: string },
): Promise<Handle> {
  const { service, keytab } = options
  const name = importName(native, service, service.includes('/') ? 'principal' : 'service')
  const doing = `The keytab ${keytab} does not serve ${service}`
  const { credential } = await acquire(native, name, toAccept, { keytab: `FILE:${keytab}` }, doing)
  return credential
}

/** Releases `name`. */
async function acquire(
  native: Native,
  name: Handle,
  usage: number,
  store: { readonly [key: string]: string },
  doing: string,
): Promise<Acquired> {
  try {
    return await withMemory(native, async (memory) => {
      const minor = memory.cell()
      const credential = memory.cell()
      const life = memory.cell()
      // Both, and no other that a machine may have: what a browser sends is Kerberos inside SPNEGO.
      const mechanisms = memory.oidSet([oids.krb5, oids.spnego])
      const from = memory.keyValues(store)
      const major = await native.acquireCredFrom.inThread(
        ...[minor, name, indefinitely, mechanisms, usage, from, credential, null, life],
      )
      throwIfFailed(native, major, minor, doing)
      return { credential: credential.readBigUInt64LE(), lifeSeconds: life.readUInt32LE() }
    })
  } finally {
    releaseName(native, name)
  }
}

export function releaseCredential(native: Native, credential: Handle): void {
  native.releaseCred(Buffer.alloc(8), cellOf(credential))
}

/** A cache in memory lives until somebody destroys it, whatever is released. */
export function destroyCache(native: Native, name: string): void {
  const context = Buffer.alloc(8)
  if (native.krb5InitContext(context) !== 0) return
  const handle = context.readBigUInt64LE()
  const cache = Buffer.alloc(8)
  if (native.krb5CacheResolve(handle, Buffer.from(`${name}\0`), cache) === 0)
    native.krb5CacheDestroy(handle, cache.readBigUInt64LE())
  native.krb5FreeContext(handle)
}
