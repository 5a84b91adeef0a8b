// Run by slurm-crashes.test.ts inside a machine with Slurm.
import { killAtEachStep } from '../support/kill-loop.ts'
import { install, QueueGateway } from '../support/queue-gateway.ts'

install()
await killAtEachStep((name) => new QueueGateway({ name, backend: 'jobqueue.slurm.SlurmBackend' }), {
  // When looks at the queue, heartbeats and requests fall together.
  sometimes:
    /(cluster-pending|workers-pending|delayed|find|worker running accepted( to be stopped)?|cluster running accepted, worker running accepted)$/,
})
