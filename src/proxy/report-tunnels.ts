import { setTimeout as delay } from 'node:timers/promises'

/** The tunnels that are open, as they are told to the gateway. */
export interface OpenTunnels {
  /** How many each cluster has; 0: it has had some since this was last asked. */
  take(): ReadonlyMap<string, number>
  /** Resolves when a cluster has got its first tunnel or lost its last since `take`, or when `signal` aborts. */
  whenChanged(signal: AbortSignal): Promise<void>
}

const periodMs = 15_000
const leastPeriodMs = 1_000
const againMs = 1_000

/** Tells them at once, then every 15 s, and within a second when something changed, until `signal` aborts. */
export async function reportTunnels(
  tunnels: OpenTunnels,
  send: (open: ReadonlyMap<string, number>) => Promise<boolean>,
  signal: AbortSignal,
): Promise<void> {
  let untold: ReadonlySet<string> = new Set()
  while (!signal.aborted) {
    const open = new Map([...untold].map((name) => [name, 0]))
    for (const [name, count] of tunnels.take()) open.set(name, count)
    const isTaken = await send(open).catch(() => false)
    untold = isTaken ? new Set() : new Set(open.keys())
    const pause = isTaken ? leastPeriodMs : againMs
    await delay(pause, undefined, { signal }).catch(() => undefined)
    if (!isTaken || signal.aborted) continue
    const period = AbortSignal.any([signal, AbortSignal.timeout(periodMs - leastPeriodMs)])
    await tunnels.whenChanged(period)
  }
}
