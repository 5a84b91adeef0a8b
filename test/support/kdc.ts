import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

const script = resolve(import.meta.dirname, '../../scripts/kerberos/realm')

/** A real KDC, its realm, and what a test makes in it. */
export interface Kdc {
  readonly realm: string
  /** Ends with the KDC; files of the test may be put in it. */
  readonly folder: string
  /** For `KRB5_CONFIG`. */
  readonly configurationPath: string
  /** Adds principals with random keys: `alice`, `HTTP/localhost`. */
  addPrincipals(...names: readonly string[]): Promise<void>
  /** Writes the keys of principals to a new keytab in the folder; its path. */
  keytab(...names: readonly string[]): Promise<string>
  /** Writes them to a keytab that is there, beside its own. */
  addTo(keytab: string, ...names: readonly string[]): Promise<void>
  /** Gives principals other keys: those in keytabs are old then. */
  newKeys(...names: readonly string[]): Promise<void>
  /** Gets a ticket as `kinit` does; a value for `KRB5CCNAME`. */
  ticket(keytab: string, name: string): Promise<string>
  /** Lets the users of either realm use the services of both. */
  trust(other: Kdc): Promise<void>
  /** The KDC takes connections and answers nothing, until it goes on. */
  hang(): Promise<void>
  goOn(): Promise<void>
  /** Ends the KDC, as a machine that is off; `startAgain` brings it back on the same port. */
  stop(): Promise<void>
  startAgain(): Promise<void>
  /** Ends it and removes the folder. */
  remove(): Promise<void>
}

export interface KdcOptions {
  readonly realm?: string
  readonly ticketLifeSeconds?: number
  /** What clocks may differ by: a ticket is good for as long after its end. */
  readonly clockSkewSeconds?: number
}

export async function startKdc(options: KdcOptions = {}): Promise<Kdc> {
  const {
    realm: wanted = 'DASK.TEST',
    ticketLifeSeconds = 36_000,
    clockSkewSeconds = 300,
  } = options
  const folder = await mkdtemp(join(tmpdir(), 'kdc-'))
  const environment = {
    ...process.env,
    REALM: wanted,
    REALM_TICKET_LIFE: `${ticketLifeSeconds}s`,
    REALM_CLOCK_SKEW: String(clockSkewSeconds),
  }
  const realm = async (verb: string, ...rest: readonly string[]): Promise<void> => {
    await promisify(execFile)(script, [verb, folder, ...rest], {
      env: environment,
      timeout: 120_000,
    })
  }
  const signal = async (name: NodeJS.Signals): Promise<void> => {
    process.kill(Number(await readFile(join(folder, 'kdc.pid'), 'utf8')), name)
  }
  let files = 0
  const newFile = (kind: string) => {
    files += 1
    return join(folder, `${files}.${kind}`)
  }

  const kdc: Kdc = {
    realm: wanted,
    folder,
    configurationPath: join(folder, 'krb5.conf'),
    addPrincipals: (...names) => realm('principals', ...names),
    async keytab(...names) {
      const path = newFile('keytab')
      await realm('keytab', path, ...names)
      return path
    },
    addTo: (path, ...names) => realm('keytab', path, ...names),
    newKeys: (...names) => realm('newkeys', ...names),
    async ticket(keytab, name) {
      const path = newFile('ccache')
      await realm('ticket', keytab, name, path)
      return `FILE:${path}`
    },
    trust: (other) => realm('trust', other.folder),
    hang: () => signal('SIGSTOP'),
    goOn: () => signal('SIGCONT'),
    stop: () => realm('stop'),
    startAgain: () => realm('start'),
    async remove() {
      await realm('stop')
      await rm(folder, { recursive: true, force: true })
    },
  }
  try {
    await realm('start')
    return kdc
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}
