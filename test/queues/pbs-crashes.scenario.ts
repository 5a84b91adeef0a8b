// Run by pbs-crashes.test.ts on a machine with test/fakes/pbs-commands.
import { killAtEachStep } from '../support/kill-loop.ts'
import { install, QueueGateway } from '../support/queue-gateway.ts'

install()
await killAtEachStep(
  // With files that PBS copies, and with a directory that is shared, where attempts are claimed; each for alice and for bob.
  (name) => {
    const copies = Number(name) % 4 < 2 ? 'True' : 'False'
    const config = `c.PBSClusterConfig.use_stagein = ${copies}`
    return new QueueGateway({ name, backend: 'jobqueue.pbs.PBSBackend', config })
  },
  {
    // When looks at the queue, heartbeats and requests fall together.
    sometimes:
      /(cluster-pending|workers-pending|delayed|find|worker running accepted( to be stopped)?|cluster running accepted, worker running accepted)$/,
  },
)
