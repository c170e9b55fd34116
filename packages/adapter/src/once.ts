/** What comes again under the same key is done once: the first result is given again. Remembers the last 256 keys. */
export class Once {
  readonly #done = new Map<string, Promise<unknown>>()

  run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#done.get(key) as Promise<T> | undefined
    if (before) return before
    const now = work()
    this.#done.set(key, now)
    // What failed may be tried again under the same key.
    now.catch(() => this.#done.delete(key))
    if (this.#done.size > 256) this.#done.delete(this.#done.keys().next().value as string)
    return now
  }
}
