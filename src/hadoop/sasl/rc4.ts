/**
 * RC4, as one stream: each call goes on where the last one ended; it enciphers and deciphers alike. The cipher is broken, and OpenSSL
 * no longer has it, but with tokens it is the best that Hadoop's daemons speak.
 */
export function createRc4(key: Uint8Array): (bytes: Uint8Array) => Buffer {
  const state = Uint8Array.from({ length: 256 }, (_, index) => index)
  const at = (index: number) => state[index & 255] ?? 0
  const swap = (a: number, b: number) => {
    const held = at(a)
    state[a] = at(b)
    state[b] = held
  }
  for (let i = 0, j = 0; i < 256; i += 1) {
    j = (j + at(i) + (key[i % key.length] ?? 0)) & 255
    swap(i, j)
  }
  let i = 0
  let j = 0
  return (bytes) => {
    const out = Buffer.allocUnsafe(bytes.length)
    for (let index = 0; index < bytes.length; index += 1) {
      i = (i + 1) & 255
      j = (j + at(i)) & 255
      swap(i, j)
      out[index] = (bytes[index] ?? 0) ^ at(at(i) + at(j))
    }
    return out
  }
}
