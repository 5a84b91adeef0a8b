import {
  GatewayError,
  type QuotaHolder,
  type QuotaLimits,
  type QuotaOverride,
  type QuotaPolicy,
  type QuotaResource,
  type QuotaStore,
  quotaScopes,
  type User,
} from '../core/index.ts'
import type { Limit } from './cluster-service.ts'
import { keyOf } from './quota-ledger.ts'
import { holderText } from './quota-words.ts'

/** The limits of everybody: what administrators have set, else what the configuration says. */
export class LimitTable {
  /** Called when some may have become others. */
  onChange: () => void = () => {}
  readonly #store: QuotaStore
  readonly #read: () => QuotaPolicy
  readonly #overrides = new Map<string, QuotaOverride>()
  #policy: QuotaPolicy

  /** `read` gives the configuration's, and is asked again at each `reload`. */
  constructor(store: QuotaStore, read: () => QuotaPolicy) {
    this.#store = store
    this.#read = read
    this.#policy = read()
  }

  /** Reads what administrators have set. */
  async load(): Promise<void> {
    for (const override of await this.#store.loadQuotas())
      this.#overrides.set(keyOf(override), override)
  }

  /** Takes the configuration's anew. */
  reload(): void {
    this.#policy = this.#read()
    this.onChange()
  }

  get over(): QuotaPolicy['over'] {
    return this.#policy.over
  }

  of(holder: QuotaHolder, resource: QuotaResource): Limit {
    const { scope, name } = holder
    const sources: readonly (readonly [QuotaLimits | undefined, string])[] = [
      [this.#overrides.get(keyOf(holder))?.limits, 'administrator'],
      [this.#byName(scope)[name], `Quotas.${scope}s`],
      [this.#policy[scope], `Quotas.${scope}`],
    ]
    for (const [limits, source] of sources) {
      const limit = limits?.[resource]
      if (limit !== undefined) return { limit, source }
    }
    return { limit: null, source: null }
  }

  /** What an administrator has set; null: nothing. */
  override(holder: QuotaHolder): QuotaOverride | null {
    return this.#overrides.get(keyOf(holder)) ?? null
  }

  /** Whoever has limits of their own. */
  holders(): readonly QuotaHolder[] {
    const configured = quotaScopes.flatMap((scope) =>
      Object.keys(this.#byName(scope)).map((name): QuotaHolder => ({ scope, name })),
    )
    return [...configured, ...this.#overrides.values()]
  }

  /** Sets limits by an administrator, in place of those that one had set. */
  async set(admin: User, { scope, name }: QuotaHolder, limits: QuotaLimits): Promise<void> {
    const override = { scope, name, limits, setBy: admin.name, setAt: Date.now() }
    await this.#store.saveQuota(override)
    this.#overrides.set(keyOf(override), override)
    this.onChange()
  }

  /** Takes them back: the configuration's hold again. Throws 'not-found' when there are none. */
  async unset(holder: QuotaHolder): Promise<void> {
    if (!this.#overrides.has(keyOf(holder)))
      throw new GatewayError(
        'not-found',
        `No administrator has set a quota of ${holderText(holder)}`,
      )
    await this.#store.removeQuota(holder)
    this.#overrides.delete(keyOf(holder))
    this.onChange()
  }

  #byName(scope: QuotaHolder['scope']): { readonly [name: string]: QuotaLimits } {
    return scope === 'user' ? this.#policy.users : this.#policy.groups
  }
}
