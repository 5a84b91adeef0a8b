export { createHtpasswdAuthenticator } from './htpasswd-authenticator.ts'
