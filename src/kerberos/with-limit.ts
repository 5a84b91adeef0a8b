import { KerberosError } from './kerberos-error.ts'

/** What `work` gives; after the limit, a failure that says `otherwise`, while `work` goes on unseen. */
export async function withLimit<T>(
  work: Promise<T>,
  limitMs: number,
  otherwise: string,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, fail) => {
    timer = setTimeout(() => fail(new KerberosError('unavailable', otherwise)), limitMs)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
