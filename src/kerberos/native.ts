import { KerberosError } from './kerberos-error.ts'

// The functions of MIT's libgssapi_krb5.so.2 (RFC 2744 and MIT's gssapi_ext.h), and of libkrb5, which it brings along. Every
// pointer is `void *`: an argument is a Buffer, whose memory the function reads and writes, or an address.
const prototypes = {
  importName: 'uint32_t gss_import_name(void *, void *, void *, void *)',
  displayName: 'uint32_t gss_display_name(void *, void *, void *, void *)',
  releaseName: 'uint32_t gss_release_name(void *, void *)',
  acquireCredFrom:
    'uint32_t gss_acquire_cred_from(void *, void *, uint32_t, void *, int, void *, void *, void *, void *)',
  releaseCred: 'uint32_t gss_release_cred(void *, void *)',
  initSecContext:
    'uint32_t gss_init_sec_context(void *, void *, void *, void *, void *, uint32_t, uint32_t, void *, void *, void *, void *, void *, void *)',
  acceptSecContext:
    'uint32_t gss_accept_sec_context(void *, void *, void *, void *, void *, void *, void *, void *, void *, void *, void *)',
  deleteSecContext: 'uint32_t gss_delete_sec_context(void *, void *, void *)',
  inquireContext:
    'uint32_t gss_inquire_context(void *, void *, void *, void *, void *, void *, void *, void *, void *)',
  wrap: 'uint32_t gss_wrap(void *, void *, int, uint32_t, void *, void *, void *)',
  unwrap: 'uint32_t gss_unwrap(void *, void *, void *, void *, void *, void *)',
  displayStatus: 'uint32_t gss_display_status(void *, uint32_t, int, void *, void *, void *)',
  releaseBuffer: 'uint32_t gss_release_buffer(void *, void *)',
  krb5InitContext: 'int krb5_init_context(void *)',
  krb5FreeContext: 'void krb5_free_context(void *)',
  krb5CacheResolve: 'int krb5_cc_resolve(void *, void *, void *)',
  krb5CacheDestroy: 'int krb5_cc_destroy(void *, void *)',
  memcpy: 'void memcpy(void *, void *, size_t)',
  exitAtOnce: 'void _exit(int)',
} as const

type Argument = Buffer | bigint | number | null

export interface NativeFunction {
  /** Its return value, and nothing else runs meanwhile: for what neither waits nor computes long. */
  (...given: readonly Argument[]): number
  /** In a thread of libuv's pool. Whoever calls keeps the Buffers referenced until it has ended. */
  inThread(...given: readonly Argument[]): Promise<number>
}

export type Native = { readonly [name in keyof typeof prototypes]: NativeFunction } & {
  addressOf(memory: Buffer): bigint
}

const library = 'libgssapi_krb5.so.2'
// koffi runs what it calls on stacks of its own; 128 KiB, its default, is less than a look-up of names may take.
const stackBytes = 1 << 20

let opened: Promise<Native> | null = null

/** Loads the library, once. Rejects with one sentence where it or koffi is not installed. */
export function openNative(): Promise<Native> {
  opened ??= load()
  return opened
}

async function load(): Promise<Native> {
  const koffi = await importKoffi()
  if (koffi.config().async_stack_size !== stackBytes) koffi.config({ async_stack_size: stackBytes })
  let handle: ReturnType<typeof koffi.load>
  try {
    handle = koffi.load(library)
  } catch (error) {
    throw new KerberosError(
      'library',
      `Kerberos needs MIT's ${library}, which cannot be loaded (on Debian: apt-get install libgssapi-krb5-2; on Red Hat: krb5-libs)`,
      { cause: error },
    )
  }
  let inThreads = 0
  const native = Object.fromEntries(
    Object.entries(prototypes).map(([name, prototype]) => {
      const call = handle.func(prototype)
      const inThread = (...given: readonly Argument[]) =>
        new Promise<number>((done, fail) => {
          inThreads += 1
          call.async(...given, (error: unknown, status: number) => {
            inThreads -= 1
            if (error === null || error === undefined) done(status)
            else fail(error)
          })
        })
      return [name, Object.assign((...given: readonly Argument[]) => call(...given), { inThread })]
    }),
  )
  // The end of a process waits for its threads, and a KDC that hangs holds one for most of a minute.
  process.on('exit', (status) => {
    if (inThreads > 0) native.exitAtOnce?.(status)
  })
  // Object.fromEntries forgets the names, which are those of `prototypes`.
  return { ...native, addressOf: (memory: Buffer) => koffi.address(memory) } as unknown as Native
}

async function importKoffi() {
  try {
    return (await import('koffi')).default
  } catch (error) {
    throw new KerberosError(
      'library',
      'Kerberos needs the npm package koffi, which is optional and is not installed here: install again without --omit=optional',
      { cause: error },
    )
  }
}
