/** Remembers the last keys that were added, up to a number of them. */
export class Recent {
  readonly #limit: number
  readonly #keys = new Set<string>()

  constructor(limit: number) {
    this.#limit = limit
  }

  add(key: string): void {
    this.#keys.delete(key)
    this.#keys.add(key)
    if (this.#keys.size > this.#limit) this.#keys.delete(this.#keys.values().next().value!)
  }

  has(key: string): boolean {
    return this.#keys.has(key)
  }
}
