export { createKeyPair, type KeyPair } from './certificate.ts'
export { nearestName } from './nearest-name.ts'
export { randomHex, sameSecret } from './random.ts'
export { shellQuoted, shellWords } from './shell-words.ts'
