import assert from 'node:assert/strict'
import { type Kdc, type KdcOptions, startKdc } from '../../test/support/kdc.ts'
import type { SecurityContext } from './index.ts'

/** A realm for all of a test file: the library reads where it is from the environment of the process. */
export async function startRealm(options: KdcOptions = {}): Promise<Kdc> {
  const kdc = await startKdc(options)
  process.env.KRB5_CONFIG = kdc.configurationPath
  process.env.KRB5RCACHENAME = `file2:${kdc.folder}/replays`
  return kdc
}

/** Tokens to and fro until both sides are done. */
export async function handshake(client: SecurityContext, service: SecurityContext): Promise<void> {
  let forClient: Buffer | null = null
  for (let round = 0; round < 5; round += 1) {
    const { token, done } = await client.step(forClient)
    if (token === null) {
      assert.ok(done)
      return
    }
    forClient = (await service.step(token)).token
    if (done && forClient === null) return
  }
  assert.fail('no end of tokens')
}
