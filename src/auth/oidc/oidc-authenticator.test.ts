import { after } from 'node:test'
import { testAuthenticator } from '../../../test/contracts/authenticator.ts'
import { type Logger, resolveSettings } from '../../core/index.ts'
import { startFakeProvider } from './fake-provider.fixture.ts'
import { createOidcAuthenticator, oidcAuthenticatorSettings } from './index.ts'

const logger: Logger = { debug() {}, info() {}, warn() {}, error() {}, with: () => logger }
const provider = await startFakeProvider()
after(() => provider.close())
provider.instead = (path, response) => {
  if (path !== '/realm/token') return false
  response.writeHead(400, { 'content-type': 'application/json' })
  response.end('{"error":"invalid_grant"}')
  return true
}
const values = {
  ...resolveSettings(oidcAuthenticatorSettings, new Map()),
  ...{ issuer: provider.issuer, client_id: provider.clientId },
}

testAuthenticator('OIDC', {
  create: () => createOidcAuthenticator(values, { logger }),
  good: null,
  bad: ['Basic YWxpY2U6eA==', 'Bearer dgt_x', 'Bearer eyJhbGciOiJub25lIn0.e30.'],
})
