import type { AdapterClock } from '@parley/adapter'

interface Timer {
  at: number
  readonly every: number | undefined
  readonly run: () => void
}

/** Time passes only when a test says so. */
export class ManualClock implements AdapterClock {
  #now = Date.now()
  readonly #timers = new Set<Timer>()

  now(): number {
    return this.#now
  }

  after(ms: number, run: () => void): () => void {
    return this.#set({ at: this.#now + ms, every: undefined, run })
  }

  every(ms: number, run: () => void): () => void {
    return this.#set({ at: this.#now + ms, every: ms, run })
  }

  pass(ms: number): void {
    const end = this.#now + ms
    for (;;) {
      const due = [...this.#timers].filter(timer => timer.at <= end).sort((a, b) => a.at - b.at)[0]
      if (!due) break
      this.#now = due.at
      if (due.every === undefined) this.#timers.delete(due)
      else due.at += due.every
      due.run()
    }
    this.#now = end
  }

  /** Timers that still run: none when a session is over. */
  get running(): number {
    return this.#timers.size
  }

  #set(timer: Timer): () => void {
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }
}
