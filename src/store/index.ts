export { createLogArchive } from './log-archive.ts'
export { openStore, type StoreOptions } from './open-store.ts'
