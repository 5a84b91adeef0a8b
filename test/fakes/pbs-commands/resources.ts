/** From the node-offline recording comes what the node has; from here what is asked for. */
export const knownResources = [
  'ncpus',
  'mem',
  'vmem',
  'walltime',
  'ngpus',
  'mpiprocs',
  'ompthreads',
]

/** What `-l` asks for, of one chunk. */
export class Resources {
  readonly select: string
  readonly place: string
  /** Each resource with its name and value, as written. */
  readonly asked: readonly { readonly name: string; readonly value: string }[]
  readonly walltime: string | null

  constructor(lists: readonly string[]) {
    const whole = Object.fromEntries(
      lists.map((list) => [list.slice(0, list.indexOf('=')), list.slice(list.indexOf('=') + 1)]),
    )
    const { select, walltime } = whole
    this.select = select ?? '1:ncpus=1'
    this.place = select === undefined ? 'pack' : 'free'
    this.walltime = walltime ?? null
    this.asked = this.select
      .split(':')
      .slice(1)
      .map((each) => ({ name: each.split('=')[0] ?? '', value: each.split('=')[1] ?? '' }))
  }

  #value(name: string): string | undefined {
    return this.asked.find((each) => each.name === name)?.value
  }

  get cores(): number {
    return Number(this.#value('ncpus') ?? 1)
  }

  /** As asked for; null: not asked for. */
  get memory(): string | null {
    return this.#value('mem')?.toLowerCase() ?? null
  }

  get memoryKb(): number {
    const [, number = '0', unit = ''] = /^(\d+)([kmgt]?)b$/.exec(this.memory ?? '') ?? []
    return Math.ceil((Number(number) * 1024 ** ' kmgt'.indexOf(unit || ' ')) / 1024)
  }

  get walltimeSeconds(): number | null {
    if (this.walltime === null) return null
    return this.walltime.split(':').reduce((sum, part) => 60 * sum + Number(part), 0)
  }
}
