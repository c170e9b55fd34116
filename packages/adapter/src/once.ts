const KEYS = 500

/** What comes again under the same key is done once: the first result is given again. Remembers the last 500 keys. */
export class Once {
  readonly #done = new Map<string, Promise<unknown>>()

  run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#done.get(key) as Promise<T> | undefined
    if (before) return before
    const now = work()
    this.#done.set(key, now)
    // What failed may be tried again under the same key.
    now.catch(() => this.#done.delete(key))
    if (this.#done.size > KEYS) this.#done.delete(this.#done.keys().next().value as string)
    return now
  }
}
