import type { Clock } from '../clock.ts'

interface Entry<T> {
  readonly value: T
  /** By the clock that never goes back. */
  readonly until: number
}

/** What is known for some time; when it is full, what was not asked for the longest time makes room. */
export class ExpiringCache<T> {
  readonly #entries = new Map<string, Entry<T>>()
  readonly #size: number
  readonly #clock: Clock

  constructor(size: number, clock: Clock) {
    this.#size = size
    this.#clock = clock
  }

  get size(): number {
    return this.#entries.size
  }

  get(key: string): T | undefined {
    const entry = this.#entries.get(key)
    if (!entry) return undefined
    this.#entries.delete(key)
    if (entry.until <= this.#clock.monotonic()) return undefined
    this.#entries.set(key, entry)
    return entry.value
  }

  /** @param seconds how long it holds */
  set(key: string, value: T, seconds: number): void {
    this.#entries.delete(key)
    if (this.#entries.size >= this.#size) {
      const [oldest] = this.#entries.keys()
      if (oldest !== undefined) this.#entries.delete(oldest)
    }
    this.#entries.set(key, { value, until: this.#clock.monotonic() + seconds * 1000 })
  }
}
