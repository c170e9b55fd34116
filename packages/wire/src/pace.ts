/**
 * Lets so many tasks begin in one turn of the event loop, in their order; what comes beyond has later turns. Where very many
 * ask at once for something that takes a while, everybody else has a turn in between.
 */
export class Pace {
  readonly #each: number
  #left: number
  #waiting: (() => void)[] = []
  #isDue = false

  constructor(each: number) {
    this.#each = each
    this.#left = each
  }

  begin(task: () => void): void {
    this.#schedule()
    if (this.#left === 0) {
      this.#waiting.push(task)
      return
    }
    this.#left--
    task()
  }

  #schedule(): void {
    if (this.#isDue) return
    this.#isDue = true
    setImmediate(() => this.#turn())
  }

  #turn(): void {
    this.#isDue = false
    const now = this.#waiting.splice(0, this.#each)
    this.#left = this.#each - now.length
    if (now.length > 0) this.#schedule()
    for (const task of now) task()
  }
}
