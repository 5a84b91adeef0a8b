import { lookup } from 'node:dns/promises'

const keptMs = 300_000
const limitMs = 5000

/** The addresses of nodes by their names, as the gateway's machine resolves them. */
export class NodeAddresses {
  readonly #known = new Map<
    string,
    { readonly addresses: readonly string[]; readonly at: number }
  >()

  /** Empty: the name says nothing here. */
  async of(node: string): Promise<readonly string[]> {
    const known = this.#known.get(node)
    if (known !== undefined && performance.now() - known.at < keptMs) return known.addresses
    // The resolver has limits of its own, but long ones.
    const late = new Promise<[]>((resolve) => setTimeout(() => resolve([]), limitMs).unref())
    const found = await Promise.race([lookup(node, { all: true }).catch(() => []), late])
    const addresses = found.map(({ address }) => address)
    this.#known.set(node, { addresses, at: performance.now() })
    return addresses
  }
}
