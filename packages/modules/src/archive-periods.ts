import type { MessageLog, OwnedMap, Owner } from '@parley/store'

const SET = 'retention'
const WISHED = 'wish'
/** Stands for no end in the store. */
const FOREVER = -1

/**
 * How long each archive keeps messages (ms; undefined: for ever): as the domain says, or the operator for this one, and no
 * longer than its owners wish.
 */
export class Periods {
  readonly #stored: OwnedMap<number>
  readonly #general: number | undefined

  constructor(stored: OwnedMap<number>, general: number | undefined) {
    this.#stored = stored
    this.#general = general
  }

  async of(
    owner: Owner,
  ): Promise<{ readonly ms: number | undefined; readonly from: 'domain' | 'operator' | 'owners' }> {
    const [set, wish] = [await this.#stored.get(owner, SET), await this.#stored.get(owner, WISHED)]
    const limit = set === FOREVER ? undefined : (set ?? this.#general)
    if (wish !== undefined && (limit === undefined || wish < limit)) return { ms: wish, from: 'owners' }
    return { ms: limit, from: set === undefined ? 'domain' : 'operator' }
  }

  /** What the operator says; `default`: as the domain says. */
  async set(owner: Owner, period: number | 'forever' | 'default'): Promise<void> {
    if (period === 'default') await this.#stored.delete(owner, SET)
    else await this.#stored.set(owner, SET, period === 'forever' ? FOREVER : period)
  }

  /** What owners wish; undefined: as long as may be. */
  async wish(owner: Owner, period: number | undefined): Promise<void> {
    if (period === undefined) await this.#stored.delete(owner, WISHED)
    else await this.#stored.set(owner, WISHED, period)
  }

  /** Removes what is too old from the archives at a domain. Gives since when each of them has what it has (ms since 1970). */
  async trim(messages: MessageLog, domain: string, now: number): Promise<(owner: Owner) => number> {
    const owners = [...(await this.#stored.owners(domain, SET)), ...(await this.#stored.owners(domain, WISHED))]
    const except = [...new Set(owners)]
    const general = this.#general
    if (general !== undefined) await messages.trim({ host: domain, except }, now - general)
    const own = new Map<Owner, number | undefined>()
    for (const owner of except) {
      const { ms } = await this.of(owner)
      own.set(owner, ms)
      if (ms !== undefined) await messages.trim({ owner }, now - ms)
    }
    return owner => now - ((own.has(owner) ? own.get(owner) : general) ?? now)
  }
}
