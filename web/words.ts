import { type ClusterInfo, type ClusterStatus, GatewayError } from '../client/src/index.ts'

export const statusWords: { readonly [status in ClusterStatus]: string } = {
  PENDING: 'Pending',
  RUNNING: 'Running',
  STOPPING: 'Stopping',
  STOPPED: 'Stopped',
  FAILED: 'Failed',
}

export function isOver({ status }: Pick<ClusterInfo, 'status'>): boolean {
  return status === 'STOPPED' || status === 'FAILED'
}

/** What there is to know beside the status. */
export function remarkOf(cluster: ClusterInfo): string {
  return cluster.pending_reason ?? cluster.reason ?? endOf(cluster)
}

const soonMs = 3_600_000

/** That it will soon end by itself, and why; empty: no end is near. */
function endOf({ ends_at, end_reason }: ClusterInfo, now = Date.now()): string {
  if (ends_at === null || ends_at > now + soonMs) return ''
  const rest = ends_at > now ? `in ${lengthOf(ends_at - now)}` : 'now'
  return `Ends ${rest}${end_reason === null ? '' : `: ${end_reason}`}`
}

export function workersOf({ workers, status }: ClusterInfo): string {
  if (status === 'STOPPED' || status === 'FAILED') return '–'
  if (workers.running === workers.wanted) return String(workers.running)
  return workers.running < workers.wanted
    ? `${workers.running} of ${workers.wanted}`
    : `${workers.running}, down to ${workers.wanted}`
}

/** Between how many workers its scheduler chooses. */
export function adaptiveOf({ adaptive }: ClusterInfo): string {
  if (adaptive === null) return 'no'
  const { minimum, maximum } = adaptive
  return `${minimum ?? 0} ${maximum === null ? 'or more' : `to ${maximum}`} workers`
}

/** Of what runs; a cluster that waits or has ended has none. */
export function usedCores({ cores }: ClusterInfo): string {
  return cores === 0 ? '–' : String(cores)
}

export function usedMemory({ memory }: ClusterInfo): string {
  return memory === 0 ? '–' : sizeOf(memory)
}

export function coresOf(count: number): string {
  return count === 1 ? '1 core' : `${count} cores`
}

/** How long it has run, or ran. */
export function ageOf(
  { start_time, stop_time }: { readonly start_time: number; readonly stop_time: number | null },
  now = Date.now(),
): string {
  return lengthOf((stop_time ?? now) - start_time)
}

export function lengthOf(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`
  const hours = Math.floor(seconds / 3600)
  if (hours < 48) return `${hours} h ${Math.floor((seconds % 3600) / 60)} min`
  return `${Math.floor(hours / 24)} d ${hours % 24} h`
}

export function hoursOf(seconds: number): string {
  return (seconds / 3600).toFixed(2)
}

export function sizeOf(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let value = bytes
  let unit = 0
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024
  return `${Number(value.toFixed(1))} ${units[unit]}`
}

const clock = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })

/** In the reader's own zone and manner. */
export function timeOf(ms: number): string {
  return clock.format(ms)
}

export function messageOf(error: unknown): string {
  if (error instanceof GatewayError) return error.message
  return error instanceof Error ? error.message : String(error)
}
