export { type DatabaseUrl, parseDatabaseUrl } from './database-url.ts'
export {
  inspectStore,
  type RecordedCluster,
  type RecordsInspection,
  type StoreInspection,
} from './inspect-store.ts'
export { createLogArchive } from './log-archive.ts'
export { openStore, type StoreOptions } from './open-store.ts'
