import { KerberosError } from './kerberos-error.ts'
import { readKeytab } from './keytab.ts'

/**
 * What `work` gives. Where it fails and the keytab is the reason, its failure says so: the library's own words do not tell
 * a missing file from a missing key.
 */
export async function explained<T>(
  work: Promise<T>,
  { keytab, wanted }: { readonly keytab: string; readonly wanted: string },
): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof KerberosError) || error.status === null) throw error
    const entries = await readKeytab(keytab)
    if (entries.some(({ principal }) => isMeant(principal, wanted))) throw error
    const others = [...new Set(entries.map(({ principal }) => principal))].slice(0, 5)
    throw new KerberosError(
      'keytab',
      `The keytab ${keytab} has no key of ${wanted}; it has ${others.length === 0 ? 'none' : `those of ${others.join(', ')}`}`,
      { cause: error },
    )
  }
}

/** Whether a keytab's principal is one that `dask`, `dask@REALM`, `HTTP`, `HTTP@host` or `HTTP/host@REALM` may mean. */
export function isMeant(principal: string, wanted: string): boolean {
  const name = principal.slice(0, principal.lastIndexOf('@'))
  const service = name.split('/')[0]
  return [principal, name, service, name.replace('/', '@')].includes(wanted)
}
