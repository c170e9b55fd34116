const PATIENCE = 15_000

/** What has come, in order, for whoever waits for one of it. */
export class Inbox<T> {
  readonly #all: T[] = []
  readonly #waiting = new Set<{ wants: (one: T) => boolean; take: (one: T) => void }>()

  add(one: T): void {
    for (const waiter of this.#waiting) {
      if (!waiter.wants(one)) continue
      this.#waiting.delete(waiter)
      waiter.take(one)
      return
    }
    this.#all.push(one)
  }

  /** The first that is wanted, which may have come already. @param what for the failure */
  next(what: string, wants: (one: T) => boolean, patience = PATIENCE): Promise<T> {
    const at = this.#all.findIndex(wants)
    if (at !== -1) return Promise.resolve(this.#all.splice(at, 1)[0]!)
    return new Promise((resolve, reject) => {
      const waiter = {
        wants,
        take: (one: T) => {
          clearTimeout(timer)
          resolve(one)
        },
      }
      const timer = setTimeout(() => {
        this.#waiting.delete(waiter)
        reject(new Error(`It did not come: ${what}\nWhat came: ${JSON.stringify(this.#all, null, 1)}`))
      }, patience)
      this.#waiting.add(waiter)
    })
  }

  left(): T[] {
    return this.#all.splice(0)
  }
}
