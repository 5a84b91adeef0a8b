// A configuration in TypeScript. The types are for the editor; without them the file loads just as well.
import type { ConfigurationModule } from '../src/config/index.ts'

const configure: ConfigurationModule = (c, { Options, Integer, Select }) => {
  c.DaskGateway.backend_class = 'UnsafeLocalBackend'
  c.Proxy.address = ':8000'
  c.ClusterConfig.environment = { PROJECT: process.env.PROJECT ?? 'none' }
  c.Backend.cluster_options = Options(
    Integer('cores', { default: 1, min: 1, max: 4, label: 'Cores of a worker' }),
    Select('memory', [
      ['small', 2],
      ['large', 8],
    ]),
    {
      handler: (options, user) => ({
        worker_cores: options.cores,
        worker_memory: `${options.memory} G`,
        cluster_max_workers: user.admin ? null : 10,
      }),
    },
  )
}

export default configure
