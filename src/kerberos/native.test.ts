import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'

// In a process of its own, where one of the two cannot be had.
async function messageWithout(spoil: string): Promise<string> {
  const program = `${spoil}
    const { createAcceptor } = await import(${JSON.stringify(join(import.meta.dirname, 'index.ts'))})
    await createAcceptor({ keytab: '/nonexistent', service: 'HTTP' }).check().catch((error) => console.log(error.reason, error.message))`
  const command = ['--input-type=module', '--eval', program]
  return (await promisify(execFile)(process.execPath, command, { timeout: 60_000 })).stdout
}

test('a machine without the library is told which one is missing', async () => {
  const spoil = `import koffi from 'koffi'
    const { load } = koffi
    koffi.load = (name) => load(name.replace('.so', '-missing.so'))`
  assert.match(
    await messageWithout(spoil),
    /^library Kerberos needs MIT's libgssapi_krb5.so.2, which cannot be loaded \(on Debian: apt-get install libgssapi-krb5-2; on Red Hat: krb5-libs\)\n$/,
  )
})

test('an installation without koffi is told so', async () => {
  const spoil = `import { registerHooks } from 'node:module'
    registerHooks({ resolve(name, context, next) {
      if (name === 'koffi') throw new Error('Cannot find package')
      return next(name, context)
    } })`
  assert.match(
    await messageWithout(spoil),
    /^library Kerberos needs the npm package koffi, which is optional and is not installed here/,
  )
})
