export { type DatabaseUrl, parseDatabaseUrl } from './database-url.ts'
export { createLogArchive } from './log-archive.ts'
export { openStore, type StoreOptions } from './open-store.ts'
