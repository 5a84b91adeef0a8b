// Run by pbs-contract.test.ts, as root, where qsub, qstat and qdel are.
import { backendContract, type Stopping } from '../contracts/backend.ts'
import { firstUser, queue } from '../support/pbs-machine.ts'
import { queueUnderTest } from '../support/queue-under-test.ts'

const signal = AbortSignal.timeout(900_000)

// When the shell above a script has ended by a signal, PBS kills what is left; it knows a job's processes by their session.
const stopping: Stopping = { signals: [], findsOrphans: false }
const underTest = async (use_stagein: boolean) => ({
  ...(await queueUnderTest('PBSBackend', firstUser, signal)),
  settings: { use_stagein, queue },
})
backendContract('PBSBackend with copies of files', () => underTest(true), stopping)
backendContract('PBSBackend with a shared directory', () => underTest(false), stopping)
