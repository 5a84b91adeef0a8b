import { HadoopError } from '../errors.ts'

/** Cuts a stream into frames: uint32 length (high byte first), payload. */
export interface FrameReader {
  /** The frames that are whole now. Throws `protocol` for one that is too long; nothing is kept of it. */
  push(bytes: Buffer): readonly Buffer[]
}

export function createFrameReader(maximumBytes: number): FrameReader {
  let parts: Buffer[] = []
  let held = 0
  let wanted = 4
  let isLength = true

  const take = (): Buffer => {
    const all = parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts, held)
    parts = all.length > wanted ? [all.subarray(wanted)] : []
    held = all.length - wanted
    return all.subarray(0, wanted)
  }
  return {
    push(bytes) {
      parts.push(bytes)
      held += bytes.length
      const frames: Buffer[] = []
      while (held >= wanted) {
        const taken = take()
        if (isLength) {
          wanted = taken.readUInt32BE(0)
          if (wanted > maximumBytes)
            throw new HadoopError(
              'protocol',
              `a message of ${wanted} bytes came; the limit is ${maximumBytes}`,
            )
        } else {
          frames.push(taken)
          wanted = 4
        }
        isLength = !isLength
      }
      return frames
    },
  }
}

export function frame(...parts: readonly Uint8Array[]): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(parts.reduce((sum, part) => sum + part.length, 0))
  return Buffer.concat([length, ...parts])
}
