/** What comes in first goes out first, in place: nothing is moved or made anew for any of it. */
export class Fifo<T> implements Iterable<T> {
  #slots: (T | undefined)[]
  #first = 0
  #size = 0

  constructor(items: readonly T[] = []) {
    this.#slots = Array.from({ length: 16 })
    for (const item of items) this.push(item)
  }

  get size(): number {
    return this.#size
  }

  get first(): T | undefined {
    return this.#slots[this.#first]
  }

  push(item: T): void {
    if (this.#size === this.#slots.length) this.#grow()
    this.#slots[(this.#first + this.#size) & (this.#slots.length - 1)] = item
    this.#size++
  }

  /** Takes out the first; undefined where there is none. */
  shift(): T | undefined {
    if (this.#size === 0) return undefined
    const item = this.#slots[this.#first]
    this.#slots[this.#first] = undefined
    this.#first = (this.#first + 1) & (this.#slots.length - 1)
    this.#size--
    return item
  }

  /** Takes out the first ones; `count` at most. */
  take(count: number): T[] {
    const taken: T[] = []
    for (let left = Math.min(count, this.#size); left > 0; left--) taken.push(this.shift()!)
    return taken
  }

  *[Symbol.iterator](): Iterator<T> {
    for (let i = 0; i < this.#size; i++) yield this.#slots[(this.#first + i) & (this.#slots.length - 1)]!
  }

  /** A power of two, so that places are found without division. */
  #grow(): void {
    const items = [...this]
    this.#slots = Array.from({ length: this.#slots.length * 2 })
    for (const [i, item] of items.entries()) this.#slots[i] = item
    this.#first = 0
  }
}
