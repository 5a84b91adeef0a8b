import { resolve } from 'node:path'
import { kerberosAuthenticatorSettings } from '../../auth/index.ts'
import type { Configuration } from '../../config/index.ts'
import {
  createAcceptor,
  createInitiator,
  isMeant,
  KerberosError,
  readKeytab,
} from '../../kerberos/index.ts'
import { type Checkup, type Finding, type Found, failed, ok, warning } from './checkup.ts'

const maxPrincipals = 3

/** Whether the tickets of users can be checked, where they log in by Kerberos. `publicHost`: as users have it; null: not told. */
export async function checkKerberos(
  checkup: Checkup,
  configuration: Configuration,
  publicHost: string | null,
): Promise<void> {
  if (configuration.authenticatorClass.name !== kerberosAuthenticatorSettings.name) return
  const { keytab: path, service_name: service } = configuration.get(kerberosAuthenticatorSettings)
  const keytab = resolve(path)
  const principals = await checkup.run('keytab', () => checkKeytab(keytab, service, publicHost))
  for (const principal of principals?.slice(0, maxPrincipals) ?? [])
    await checkup.run('ticket', () => checkTicket(keytab, principal))
}

async function checkKeytab(
  keytab: string,
  service: string,
  publicHost: string | null,
): Promise<Found<readonly string[]>> {
  const acceptor = createAcceptor({ keytab, service })
  try {
    await acceptor.check()
  } finally {
    acceptor.close()
  }
  const entries = (await readKeytab(keytab)).filter(({ principal }) => isMeant(principal, service))
  const facts = [...new Set(entries.map(({ principal }) => principal))]
  const has = `${keytab} has the keys of ${facts.join(', ')}`
  const hosts = entries.map(({ components }) => components[1])
  const finding =
    publicHost === null || hosts.includes(publicHost)
      ? ok(has)
      : warning(
          `${has}, and none for ${publicHost}, by which users come`,
          `Browsers and clients ask for tickets of HTTP/${publicHost}: make that principal, and add its key.`,
        )
  return { finding, facts }
}

/** The service logs in to itself: so the KDC answers, its key is that of the keytab, and clocks agree. */
async function checkTicket(keytab: string, principal: string): Promise<Finding> {
  const initiator = createInitiator({ keytab, principal })
  const acceptor = createAcceptor({ keytab, service: principal })
  const client = initiator.begin({ principal })
  const service = acceptor.begin()
  try {
    const { token } = await client.step(null)
    await service.step(token)
    return ok(`A ticket for ${principal} was got from the KDC, and accepted by the keytab's key`)
  } catch (error) {
    if (!(error instanceof KerberosError)) throw error
    if (error.reason === 'unavailable')
      return failed(
        error.message,
        'Users who have no ticket yet get none either, if it is the same for them. krb5.conf, or DNS, says where the KDC is: can port 88 there be reached?',
      )
    return warning(
      error.message,
      'If it is about the key, write the keytab anew. Where services may get no tickets of their own, this says nothing.',
    )
  } finally {
    client.close()
    service.close()
    initiator.close()
    acceptor.close()
  }
}
