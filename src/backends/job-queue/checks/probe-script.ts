import type { ClusterSettings, Command } from '../../../core/index.ts'
import { exportLines } from '../../../launcher/index.ts'
import { programOf } from '../command-lines.ts'
import { jobScript } from '../job-script.ts'

export interface ProbeTask {
  readonly settings: ClusterSettings
  readonly attemptId: string
  /** The directory of its files; null: the queue copies them to the job's working directory. */
  readonly staging: string | null
  readonly username: string
  readonly apiUrl: string
  readonly lifeSeconds: number
  /** To listen on: the first that is free. */
  readonly ports: readonly number[]
}

export const probeFiles = { program: 'probe_job.py', cert: 'probe.crt', key: 'probe.pem' } as const

/** A scheduler's job in all but what runs at its end: the probe, in the Python that the scheduler would have. */
export function probeScript(task: ProbeTask): string {
  const { settings, staging, attemptId, apiUrl, lifeSeconds, ports } = task
  const { scheduler_setup: setup } = settings
  const environment = {
    ...settings.environment,
    USER: task.username,
    DASK_GATEWAY_PROBE: staging === null ? probeFiles.program : `${staging}/${probeFiles.program}`,
  }
  return jobScript({
    staging,
    tasks: [{ attemptId, args: [apiUrl, String(lifeSeconds), ...ports.map(String)] }],
    indexVariable: null,
    exports: exportLines(environment),
    copied: staging === null ? ['DASK_GATEWAY_PROBE'] : [],
    setup: typeof setup === 'string' ? setup : '',
    command: probeCommand(settings.scheduler_cmd),
  })
}

/** The Python that the scheduler's command (or `dask`) names in its first line; else the one beside it, as environments are; else on PATH. */
export function probeCommand(command: Command): string {
  return [
    `program=${programOf(command) || 'dask'}`,
    'program=$(type -P -- "$program" || type -P dask || printf %s "$program")',
    'beside=$(dirname -- "$program")',
    'python=',
    `named=$(head -c 512 -- "$program" 2>/dev/null | sed -n '1s/^#! *\\([^ ]*python[^ ]*\\).*/\\1/p')`,
    'for each in "$named" "$beside/python" "$beside/python3" python python3; do',
    '  if type -P -- "$each" >/dev/null; then python=$each; break; fi',
    'done',
    'if [ -z "$python" ]; then',
    '  echo "dask-gateway: there is no Python beside $program, nor on PATH after scheduler_setup" >&2',
    '  exit 127',
    'fi',
    '"$python" -u "$DASK_GATEWAY_PROBE"',
  ].join('\n')
}
