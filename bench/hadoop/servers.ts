import { join } from 'node:path'
import { root } from '../bench.ts'
import { type MachineServer, sleepingWorkers, startBoth } from '../machine-servers.ts'
import type { Kind } from '../servers.ts'

const oldPython = join(root, '.venv-old-yarn/bin/python')

/** Both with YarnBackend, as their guides have it. */
export function startBothOnYarn(): Promise<{ readonly [kind in Kind]: MachineServer }> {
  return startBoth({ oldPython, configuration })
}

function configuration(kind: Kind): string {
  return `
c.DaskGateway.backend_class = "dask_gateway_server.backends.yarn.YarnBackend"
c.YarnClusterConfig.scheduler_memory = "1 G"
c.YarnClusterConfig.worker_memory = "1 G"

def settings(kind):
    if kind.startswith("sleeping"):
        return ${sleepingWorkers(kind)}
    return {}
`
}
