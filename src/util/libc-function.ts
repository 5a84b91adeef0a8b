import { createRequire } from 'node:module'
import { join } from 'node:path'
import { packageFolder } from './package-files.ts'

/** As kerberos/native.ts has it: koffi takes this only before it has loaded a first library, whosever that is. */
const stackBytes = 1 << 20

/** A function of the C library, by its prototype. null: the library koffi, which is optional, or the function is not there. */
export function libcFunction<F extends (...given: never[]) => unknown>(
  prototype: string,
): F | null {
  try {
    const koffi = createRequire(join(packageFolder, 'package.json'))(
      'koffi',
    ) as typeof import('koffi').default
    if (koffi.config().async_stack_size !== stackBytes)
      koffi.config({ async_stack_size: stackBytes })
    return koffi.load('libc.so.6').func(prototype) as unknown as F
  } catch {
    return null
  }
}
