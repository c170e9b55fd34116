import { randomInt } from 'node:crypto'

/** Milliseconds. */
const LEAST = 2000
const MOST = 300_000
const RANGE = 2 ** 32
const randomly = () => randomInt(RANGE) / RANGE

/** How long to wait before the next attempt: longer each time, and never the same for many at once (decorrelated jitter). */
export class Backoff {
  #last = LEAST
  readonly #random: () => number

  /** @param random 0 ≤ n < 1 */
  constructor(random: () => number = randomly) {
    this.#random = random
  }

  /** Milliseconds. */
  next(): number {
    const wait = Math.min(MOST, LEAST + this.#random() * (this.#last * 3 - LEAST))
    this.#last = wait
    return Math.round(wait)
  }

  /** What was tried has worked for a while. */
  reset(): void {
    this.#last = LEAST
  }
}
