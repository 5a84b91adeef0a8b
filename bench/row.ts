import type { Bench } from './bench.ts'

/** One thing that is measured, alone or with the others: `npm run bench -- NAME`. */
export interface Row {
  readonly name: string
  readonly title: string
  /** How it is measured, for the page: Markdown. */
  readonly note: string
  measure(bench: Bench): Promise<readonly Figure[]>
}

/** A line of a row's table: a median for each who took part. */
export interface Figure extends FigureKind {
  readonly medians: { readonly [contestant: string]: number }
}

export interface FigureKind {
  /** With its unit. */
  readonly what: string
  readonly better: 'more' | 'less'
  /** How many times better than the old server ours should be. */
  readonly goal?: number
  /** How large ours may be at most, in the figure's unit. */
  readonly limit?: number
}

/**
 * Lets each contestant give a sample in turn, `bench.rounds` times, so that a slow moment of the machine meets all of them,
 * and takes the medians. A sample may lack a figure that a contestant does not have.
 */
export async function inRounds<Key extends string, Contestant>(
  bench: Pick<Bench, 'rounds'>,
  contestants: { readonly [name: string]: Contestant },
  kinds: { readonly [key in Key]: FigureKind },
  sample: (contestant: Contestant, name: string) => Promise<{ readonly [key in Key]?: number }>,
): Promise<readonly Figure[]> {
  const samples: { readonly name: string; readonly values: { readonly [key in Key]?: number } }[] =
    []
  for (let round = 0; round < bench.rounds; round += 1)
    for (const [name, contestant] of Object.entries(contestants))
      samples.push({ name, values: await sample(contestant, name) })
  return (Object.keys(kinds) as Key[]).map((key) => {
    const medians: { [name: string]: number } = {}
    for (const name of Object.keys(contestants)) {
      const values = samples.flatMap((each) => (each.name === name ? (each.values[key] ?? []) : []))
      if (values.length > 0) medians[name] = quantile(values, 0.5)
    }
    return { ...kinds[key], medians }
  })
}

/** The value below which this share of them lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}
