import { lookup } from 'node:dns/promises'

const keptMs = 300_000
/** A resolver that is away for a moment must not cost the start of a cluster. */
const keptFailureMs = 5_000
const limitMs = 5000

/** The addresses of nodes by their names, as the gateway's machine resolves them. */
export class NodeAddresses {
  readonly #known = new Map<
    string,
    { readonly addresses: readonly string[]; readonly at: number }
  >()

  readonly #resolve: (node: string) => Promise<readonly { readonly address: string }[]>
  readonly #now: () => number

  constructor(
    resolve: (node: string) => Promise<readonly { readonly address: string }[]> = (node) =>
      lookup(node, { all: true }),
    now = () => performance.now(),
  ) {
    this.#resolve = resolve
    this.#now = now
  }

  /** Empty: the name says nothing here. */
  async of(node: string): Promise<readonly string[]> {
    const known = this.#known.get(node)
    const kept = known?.addresses.length === 0 ? keptFailureMs : keptMs
    if (known !== undefined && this.#now() - known.at < kept) return known.addresses
    // The resolver has limits of its own, but long ones.
    const late = new Promise<[]>((resolve) => setTimeout(() => resolve([]), limitMs).unref())
    const found = await Promise.race([this.#resolve(node).catch(() => []), late])
    const addresses = found.map(({ address }) => address)
    this.#known.set(node, { addresses, at: this.#now() })
    return addresses
  }
}
