export { type Acceptor, type AcceptorOptions, createAcceptor } from './acceptor.ts'
export {
  type BeginOptions,
  beginByTicket,
  createInitiator,
  type Initiator,
  type InitiatorOptions,
  type Target,
} from './initiator.ts'
export { KerberosError, type KerberosReason, type Status } from './kerberos-error.ts'
export { type KeytabEntry, readKeytab } from './keytab.ts'
export { isMeant } from './keytab-faults.ts'
export type { SecurityContext, Step } from './security-context.ts'
