// Run by yarn-crashes.test.ts inside a machine with Hadoop.
import { killAtEachStep } from '../support/kill-loop.ts'
import { installGateway } from '../support/queue-gateway.ts'
import { YarnGateway } from '../support/yarn-gateway.ts'

installGateway()
await killAtEachStep((name) => new YarnGateway({ name }), {
  // When looks at YARN, calls of application masters, heartbeats and requests fall together.
  sometimes: /(find|delayed)$/,
  // A life takes ten times what it takes on Slurm, where all are tried; these are those between which YARN is asked.
  only: /startScheduler|scheduler-started|asked to be running|startWorkers|worker-started|stopObjects|cleanUp|find/,
})
