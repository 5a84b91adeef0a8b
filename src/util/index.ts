export { createKeyPair, type KeyPair } from './certificate.ts'
export { createLogger, type LoggerOptions, type LogLevel, logLevelOf, logLevels } from './logger.ts'
export { nearestName } from './nearest-name.ts'
export {
  bootId,
  listProcesses,
  ownerOf,
  type ProcessIdentity,
  type ProcessRecord,
  readProcess,
  sameProcess,
  signalProcess,
  startedAt,
  startVariable,
} from './process-table.ts'
export { randomHex, sameSecret } from './random.ts'
export { shellQuoted, shellWords } from './shell-words.ts'
