export { basicCredentials } from './basic-credentials.ts'
export { createKeyPair, type KeyPair } from './certificate.ts'
export { type ClientHelloResult, maxClientHelloBytes, readClientHello } from './client-hello.ts'
export { collectWhenIdle } from './collect-when-idle.ts'
export { compareTexts } from './compare-texts.ts'
export { endProcess } from './end-process.ts'
export { findProgram, isProgram } from './find-program.ts'
export { type Listener, listenersIn, listenersOn } from './listeners.ts'
export { createLogger, type LoggerOptions, type LogLevel, logLevelOf, logLevels } from './logger.ts'
export { nearestName } from './nearest-name.ts'
export { packageFolder, programFile } from './package-files.ts'
export {
  argumentsOf,
  bootId,
  bootTimeMs,
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
export {
  decodeProxyHeader,
  encodeProxyHeader,
  type ProxiedAddress,
  type ProxyHeader,
  type ProxyHeaderResult,
  proxySignature,
} from './proxy-protocol.ts'
export { randomHex, sameSecret } from './random.ts'
export { replaceFile } from './replace-file.ts'
export { shellQuoted, shellWords } from './shell-words.ts'
export { socketPathIn } from './socket-path.ts'
export { steadyNow } from './steady-time.ts'
