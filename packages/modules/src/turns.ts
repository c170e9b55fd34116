/** Tasks of one key run one after another; tasks of different keys do not wait for each other. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>()

  /** Resolves when it is the caller's turn; undefined: it is now. */
  wait(key: string): Promise<void> | undefined {
    return this.#last.has(key) ? this.take(key, async () => {}) : undefined
  }

  take<T>(key: string, task: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key)
    const mine = before ? before.then(task, task) : task()
    this.#last.set(key, mine)
    const done = () => {
      if (this.#last.get(key) === mine) this.#last.delete(key)
    }
    mine.then(done, done)
    return mine
  }
}
