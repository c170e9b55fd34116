/** Something that goes up in order; `cost`: how many events it is. */
export interface Passing {
  readonly cost: number
  go(): void
}

/**
 * What all sessions of a process say passes here one after another: no more events are on their way to the server than it
 * hears in a turn or two, whoever says how much. What is not an event waits behind the events before it.
 */
export class Gate {
  readonly #most: number
  readonly #waiting: Passing[] = []
  #under = 0

  /** @param most events that may be on their way */
  constructor(most: number) {
    this.#most = most
  }

  pass(item: Passing): void {
    this.#waiting.push(item)
    this.#go()
  }

  /** So many have been heard. */
  heard(count: number): void {
    this.#under = Math.max(0, this.#under - count)
    this.#go()
  }

  #go(): void {
    let passed = 0
    for (const item of this.#waiting) {
      // A lot that is larger than the gate passes alone.
      if (item.cost > 0 && this.#under > 0 && this.#under + item.cost > this.#most) break
      passed++
      this.#under += item.cost
      item.go()
    }
    this.#waiting.splice(0, passed)
  }
}
