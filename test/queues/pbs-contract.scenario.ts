// Run by pbs-contract.test.ts inside a machine with test/fakes/pbs-commands.
import { backendContract, type Stopping } from '../contracts/backend.ts'
import { queueUnderTest } from '../support/queue-under-test.ts'

const signal = AbortSignal.timeout(300_000)

// When the shell above a script has ended by a signal, PBS kills what is left; it knows a job's processes by their session.
const stopping: Stopping = { signals: [], findsOrphans: false }
const underTest = () => queueUnderTest('PBSBackend', 'alice', signal)
backendContract('PBSBackend with copies of files', underTest, stopping)
const shared = async () => ({ ...(await underTest()), settings: { use_stagein: false } })
backendContract('PBSBackend with a shared directory', shared, stopping)
