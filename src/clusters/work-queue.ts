/**
 * Names to be worked on: each at most once in the queue and by one worker at a time; one that is added while it is worked on
 * comes again afterwards. `addAt` keeps the earliest moment asked for.
 */
export class WorkQueue {
  readonly #work: (key: string) => Promise<void>
  readonly #parallelism: number
  readonly #onWaited: (ms: number) => void
  /** With when they came. */
  readonly #ready = new Map<string, number>()
  readonly #active = new Set<string>()
  readonly #later = new Map<string, { readonly at: number; readonly timer: NodeJS.Timeout }>()
  #idle: (() => void) | null = null
  #stopped = false

  /** `work` handles its own errors: one that escapes is a fault of the program and ends it. */
  constructor(
    parallelism: number,
    work: (key: string) => Promise<void>,
    onWaited: (ms: number) => void = () => {},
  ) {
    this.#parallelism = parallelism
    this.#onWaited = onWaited
    this.#work = work
  }

  add(key: string): void {
    if (this.#stopped) return
    this.#cancelTimer(key)
    if (!this.#ready.has(key)) this.#ready.set(key, performance.now())
    this.#dispatch()
  }

  /** `at`: on the clock of `performance.now()`. */
  addAt(key: string, at: number): void {
    if (this.#stopped || this.#ready.has(key)) return
    const waiting = this.#later.get(key)
    if (waiting !== undefined && waiting.at <= at) return
    this.#cancelTimer(key)
    // A timer of Node holds at most 2^31 - 1 ms; one that fires early finds nothing to do and asks again.
    const delayMs = Math.min(Math.max(0, at - performance.now()), 2 ** 31 - 1)
    this.#later.set(key, { at, timer: setTimeout(() => this.add(key), delayMs) })
  }

  get backlog(): { readonly waiting: number; readonly active: number; readonly oldestMs: number } {
    const [oldest = performance.now()] = this.#ready.values()
    const oldestMs = performance.now() - oldest
    return { waiting: this.#ready.size, active: this.#active.size, oldestMs }
  }

  /** Ends the queue; resolves when nothing is worked on any more. */
  async stop(): Promise<void> {
    this.#stopped = true
    for (const key of [...this.#later.keys()]) this.#cancelTimer(key)
    this.#ready.clear()
    if (this.#active.size > 0) await new Promise<void>((resolve) => (this.#idle = resolve))
  }

  #dispatch(): void {
    for (const [key, since] of this.#ready) {
      if (this.#active.size >= this.#parallelism) return
      if (this.#active.has(key)) continue
      this.#ready.delete(key)
      this.#active.add(key)
      this.#onWaited(performance.now() - since)
      void this.#work(key).finally(() => this.#done(key))
    }
  }

  #done(key: string): void {
    this.#active.delete(key)
    if (this.#active.size === 0) this.#idle?.()
    this.#dispatch()
  }

  #cancelTimer(key: string): void {
    clearTimeout(this.#later.get(key)?.timer)
    this.#later.delete(key)
  }
}
