import { readdirSync, readFileSync } from 'node:fs'

/** A process and all that descend from it. */
export function treeOf(pid: number): readonly number[] {
  const children = new Map<number, number[]>()
  for (const entry of readdirSync('/proc')) {
    const fields = statOf(Number(entry))
    const parent = Number(fields?.[1])
    if (fields !== null) children.set(parent, [...(children.get(parent) ?? []), Number(entry)])
  }
  const found: number[] = []
  const queue = [pid]
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    if (statOf(next) !== null) found.push(next)
    queue.push(...(children.get(next) ?? []))
  }
  return found
}

export function commandOf(pid: number): string {
  return read(pid, 'cmdline')?.replaceAll('\0', ' ') ?? ''
}

/** Used so far by processes that live, all threads of them. The kernel counts it in hundredths of a second. */
export function cpuSeconds(pids: readonly number[]): number {
  const ticks = pids.map((pid) => {
    const fields = statOf(pid)
    // proc(5): utime and stime are the 14th and 15th field; these begin with the third.
    return Number(fields?.[11] ?? 0) + Number(fields?.[12] ?? 0)
  })
  return ticks.reduce((sum, each) => sum + each, 0) / 100
}

/** The same with that of their children that have ended. */
export function cpuSecondsEver(pids: readonly number[]): number {
  const ticks = pids.map((pid) => {
    const fields = statOf(pid)
    return Number(fields?.[13] ?? 0) + Number(fields?.[14] ?? 0)
  })
  return cpuSeconds(pids) + ticks.reduce((sum, each) => sum + each, 0) / 100
}

/** Memory, what is shared counted in parts (proc(5), smaps_rollup). */
export function proportionalMegabytes(pids: readonly number[]): number {
  const kilobytes = pids.map((pid) =>
    Number(/^Pss: +(\d+) kB/m.exec(read(pid, 'smaps_rollup') ?? '')?.[1] ?? 0),
  )
  return kilobytes.reduce((sum, each) => sum + each, 0) / 1024
}

/**
 * Memory as it would be on a host where nobody else has the same programs: what a mapped file has in memory counts once,
 * whatever maps it elsewhere (proc(5), smaps).
 */
export function megabytesAlone(pids: readonly number[]): number {
  const files = new Map<string, number>()
  let kilobytes = 0
  for (const pid of pids)
    for (const mapping of read(pid, 'smaps')?.split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m) ?? []) {
      const size = (name: string) =>
        Number(new RegExp(`^${name}: +(\\d+) kB`, 'm').exec(mapping)?.[1] ?? 0)
      // Addresses differ; the offset, the device and the inode are those of the file.
      const [, , ...place] = mapping.slice(0, mapping.indexOf('\n')).split(/ +/)
      const file = place.join(' ')
      kilobytes += size('Anonymous')
      files.set(file, Math.max(files.get(file) ?? 0, size('Rss') - size('Anonymous')))
    }
  for (const file of files.values()) kilobytes += file
  return kilobytes / 1024
}

/** The fields of /proc/PID/stat after the name, which may hold blanks; null: there is no such process. */
function statOf(pid: number): readonly string[] | null {
  if (!(pid > 0)) return null
  const text = read(pid, 'stat')
  return text === null ? null : text.slice(text.lastIndexOf(')') + 2).split(' ')
}

function read(pid: number, file: string): string | null {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return null
  }
}
