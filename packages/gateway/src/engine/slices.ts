/** Events that are heard in one turn of the event loop, of all sessions together. */
const SLICE = 32

/** Lets so many go in each turn of the event loop, in order: whoever says how much, everything else has its turn. */
export class Slices {
  readonly #waiting: (() => void)[] = []
  #left = SLICE
  #isRefilling = false

  /** Resolves when it is the caller's turn; undefined: it is now. */
  take(): Promise<void> | undefined {
    if (!this.#isRefilling) {
      this.#isRefilling = true
      setImmediate(() => this.#refill())
    }
    if (this.#left > 0) {
      this.#left--
      return undefined
    }
    return new Promise(resolve => this.#waiting.push(resolve))
  }

  #refill(): void {
    const going = this.#waiting.splice(0, SLICE)
    this.#left = SLICE - going.length
    this.#isRefilling = going.length > 0
    if (this.#isRefilling) setImmediate(() => this.#refill())
    for (const go of going) go()
  }
}
