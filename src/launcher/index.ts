export { answer } from './answer.ts'
export { exportLines } from './export-lines.ts'
export { pbsStatusArguments } from './pbs-commands.ts'
export type {
  CancelReply,
  CancelRequest,
  ClaimReply,
  ClaimRequest,
  CleanReply,
  CleanRequest,
  CommandOutcome,
  CommandResult,
  Commands,
  Failure,
  FailureCode,
  Job,
  LogEnd,
  LogReply,
  LogRequest,
  Manager,
  PbsJob,
  Replies,
  Reply,
  Request,
  SlurmJob,
  Staging,
  StatusReply,
  StatusRequest,
  SubmitOutcome,
  SubmitReply,
  SubmitRequest,
  Usable,
  Verb,
  VersionReply,
  VersionRequest,
} from './protocol.ts'
export {
  claimDirectory,
  commandFolders,
  commandNames,
  limits,
  logFile,
  patterns,
} from './protocol.ts'
export { isReading, readRequest } from './read-request.ts'
export { slurmStatusArguments } from './slurm-commands.ts'
export { distrust } from './trusted-path.ts'
