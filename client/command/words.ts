import type { ClusterInfo, OptionField } from '../src/index.ts'

/** Numbers and times as people read them. */
export function sizeOf(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let value = bytes
  let unit = 0
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024
  return `${Number(value.toFixed(1))} ${units[unit]}`
}

export function hoursOf(seconds: number): string {
  return (seconds / 3600).toFixed(2)
}

export function ageOf(
  cluster: Pick<ClusterInfo, 'start_time' | 'stop_time'>,
  now = Date.now(),
): string {
  const seconds = Math.max(0, Math.round(((cluster.stop_time ?? now) - cluster.start_time) / 1000))
  if (seconds < 120) return `${seconds}s`
  if (seconds < 7200) return `${Math.floor(seconds / 60)}m`
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`
}

export function timeOf(time: number): string {
  return new Date(time)
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, 'Z')
}

export function workersOf({ workers }: ClusterInfo): string {
  const waiting = workers.created + workers.submitted
  return `${workers.running}${waiting === 0 ? '' : ` +${waiting}`}`
}

/** What there is to know beside the state. */
export function remarkOf(cluster: ClusterInfo): string {
  const { pending_reason, reason, ends_at, end_reason } = cluster
  const end = ends_at === null ? null : `Ends at ${timeOf(ends_at)}: ${end_reason ?? ''}`
  return pending_reason ?? reason ?? end ?? adaptiveOf(cluster)
}

function adaptiveOf({ adaptive }: ClusterInfo): string {
  if (adaptive === null) return ''
  const { minimum, maximum } = adaptive
  return `Adapts: ${minimum ?? 0} ${maximum === null ? 'or more' : `to ${maximum}`} workers`
}

export const clusterHeadings = [
  'NAME',
  'STATUS',
  'AGE',
  'WORKERS',
  'CORES',
  'MEMORY',
  'REMARK',
] as const

export function clusterRow(cluster: ClusterInfo): string[] {
  return [
    cluster.name,
    cluster.status,
    ageOf(cluster),
    workersOf(cluster),
    String(cluster.cores),
    sizeOf(cluster.memory),
    remarkOf(cluster),
  ]
}

/** What a field takes: "1 to 4", "small, large". */
export function boundsOf({ spec }: OptionField): string {
  const { type, min, max, options } = spec
  if (type === 'select' && Array.isArray(options)) return options.join(', ')
  if (type !== 'int' && type !== 'float') return String(type)
  const word = type === 'int' ? 'whole number' : 'number'
  const bounds = [
    typeof min === 'number' ? ` from ${min}` : '',
    typeof max === 'number' ? ` to ${max}` : '',
  ]
  return word + bounds.join('')
}
