import type { Vault } from './context.ts'

/**
 * A map that lasts: read once, then in memory, and written page by page, since one value of a vault has 65,536 characters at most. So
 * many pages, each with its share of what is kept; their number may not change.
 */
export class KeptMap<V> {
  readonly #vault: Vault
  readonly #name: string
  readonly #pages: readonly Map<string, V>[]

  constructor(vault: Vault, name: string, pages: number) {
    this.#vault = vault
    this.#name = name
    this.#pages = Array.from({ length: pages }, () => new Map<string, V>())
  }

  async load(): Promise<void> {
    const texts = await Promise.all(this.#pages.map((_, number) => this.#vault.get(`${this.#name} ${number}`)))
    for (const [number, text] of texts.entries()) {
      this.#pages[number]!.clear()
      for (const [key, value] of JSON.parse(text ?? '[]') as [string, V][]) this.#pages[number]!.set(key, value)
    }
  }

  get size(): number {
    return this.#pages.reduce((sum, page) => sum + page.size, 0)
  }

  has(key: string): boolean {
    return this.#page(key).has(key)
  }

  get(key: string): V | undefined {
    return this.#page(key).get(key)
  }

  *entries(): Generator<[string, V], void> {
    for (const page of this.#pages) yield* page.entries()
  }

  async set(key: string, value: V): Promise<void> {
    this.#page(key).set(key, value)
    await this.#write(key)
  }

  /** False: there was none. */
  async delete(key: string): Promise<boolean> {
    if (!this.#page(key).delete(key)) return false
    await this.#write(key)
    return true
  }

  #page(key: string): Map<string, V> {
    return this.#pages[this.#numberOf(key)]!
  }

  /** The same for the same key, for ever (FNV-1a). */
  #numberOf(key: string): number {
    let hash = 0x811c9dc5
    for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193)
    return (hash >>> 0) % this.#pages.length
  }

  async #write(key: string): Promise<void> {
    const page = this.#page(key)
    const text = page.size === 0 ? undefined : JSON.stringify([...page])
    await this.#vault.set(`${this.#name} ${this.#numberOf(key)}`, text)
  }
}
