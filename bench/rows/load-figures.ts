import type { FigureKind } from '../row.ts'

/** What is told of a load on the HTTP side; `goal`: how many times the old server's rate is wanted. */
export function loadFigures(prefix: string, goal: number) {
  return {
    perSecond: { what: `${prefix}requests a second`, better: 'more', goal },
    p99Ms: { what: `${prefix}p99, ms`, better: 'less', goal: 1 },
    cpuMicroseconds: { what: `${prefix}CPU a request, µs`, better: 'less' },
    proxyCpuMicroseconds: { what: `${prefix}of which the proxy, µs`, better: 'less' },
  } as const satisfies { readonly [key: string]: FigureKind }
}
