import { answer, isReading, readRequest } from '../launcher/index.ts'
import { packageVersion } from './version.ts'

// dask-gateway-jobqueue-launcher: run by `sudo -n -H -u USER`, once for each request. Whatever happens, it answers.
void answer(readRequest, process.argv.slice(2), packageVersion).then((reply) =>
  process.stdout.write(`${JSON.stringify(reply)}\n`, () => {
    if (isReading()) process.kill(process.pid, 'SIGKILL')
    process.exit(reply.ok ? 0 : 1)
  }),
)
