/** Random numbers that a seed repeats (Mulberry32), so that a finding can be looked at again. */
export function randomFrom(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

/** Bytes that are nearly those given: flipped, cut, doubled, moved, and lengths made extreme. */
export function mutate(bytes: Buffer, random: (below: number) => number): Buffer {
  let mutated = Buffer.from(bytes)
  for (let changes = 1 + random(4); changes > 0; changes--) {
    const at = random(mutated.length + 1)
    const length = random(16)
    const kind = random(6)
    if (kind === 0 && at < mutated.length) mutated[at] = random(256)
    else if (kind === 1 && at < mutated.length)
      mutated[at] = [0, 1, 0x7f, 0x80, 0xff][random(5)] ?? 0
    else if (kind === 2)
      mutated = Buffer.concat([mutated.subarray(0, at), mutated.subarray(at + length)])
    else if (kind === 3)
      mutated = Buffer.concat([mutated.subarray(0, at), mutated.subarray(Math.max(0, at - length))])
    else if (kind === 4) mutated = mutated.subarray(0, at)
    else
      mutated = Buffer.concat([
        mutated.subarray(0, at),
        Buffer.alloc(length, random(256)),
        mutated.subarray(at),
      ])
  }
  return Buffer.from(mutated)
}

/** Runs `attempt` with numbers from `seed` on until the time is over; an error names the number to repeat it with. */
export async function fuzz(
  seconds: number,
  attempt: (seed: number) => void | Promise<void>,
): Promise<number> {
  const first = Number(process.env.FUZZ_SEED ?? Date.now() % 1_000_000_000)
  const until = performance.now() + seconds * 1000
  let seed = first
  for (; performance.now() < until; seed++) {
    try {
      await attempt(seed)
    } catch (cause) {
      throw new Error(`FUZZ_SEED=${seed} repeats it`, { cause })
    }
    if (process.env.FUZZ_SEED !== undefined) break
  }
  return seed - first
}
