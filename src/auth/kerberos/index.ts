export { createKerberosAuthenticator, type KerberosSettings } from './kerberos-authenticator.ts'
export { parseRule } from './local-name.ts'
