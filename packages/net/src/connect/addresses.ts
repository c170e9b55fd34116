type Family = 4 | 6

/** Addresses of a host, as they become known, in the order in which to try them (RFC 8305 §4). */
export class Addresses {
  readonly #left: Record<Family, string[]> = { 4: [], 6: [] }
  readonly #open = new Set<Family>()
  #next: Family = 6
  #taken = 0
  readonly #most: number

  /** @param most how many are given away */
  constructor(most: number) {
    this.#most = most
  }

  /** More of this family may come. */
  expect(family: Family): void {
    this.#open.add(family)
  }

  /** All that there are of this family. */
  add(family: Family, addresses: readonly string[]): void {
    this.#open.delete(family)
    this.#left[family].push(...addresses)
  }

  isExpected(family: Family): boolean {
    return this.#open.has(family)
  }

  /** Nothing is left, and nothing will come. */
  get isOver(): boolean {
    return this.#taken >= this.#most || (this.#open.size === 0 && this.#left[4].length + this.#left[6].length === 0)
  }

  /** The families by turns, IPv6 first. */
  take(): string | undefined {
    if (this.#taken >= this.#most) return undefined
    const other = this.#next === 6 ? 4 : 6
    const family = this.#left[this.#next].length > 0 ? this.#next : other
    const address = this.#left[family].shift()
    if (address === undefined) return undefined
    this.#next = family === 6 ? 4 : 6
    this.#taken++
    return address
  }
}
