import type { Clock } from '@xmpp/server-core'

interface Timer {
  at: number
  readonly every: number | undefined
  readonly task: () => void
}

/** What happens regularly happens so often at most while a long time passes. */
const TICKS = 5000

/** Time that moves only when a test says so. */
export class FakeClock implements Clock {
  #now: number
  #elapsed = 0
  readonly #timers = new Set<Timer>()

  constructor(now = Date.UTC(2026, 0, 1, 12)) {
    this.#now = now
  }

  now(): number {
    return this.#now
  }

  monotonic(): number {
    return this.#elapsed
  }

  every(ms: number, task: () => void): () => void {
    return this.#start({ at: this.#elapsed + ms, every: ms, task })
  }

  after(ms: number, task: () => void): () => void {
    return this.#start({ at: this.#elapsed + ms, every: undefined, task })
  }

  /** Moves time on; what falls due runs in order. */
  advance(ms: number): void {
    const end = this.#elapsed + ms
    for (;;) {
      let next: Timer | undefined
      for (const timer of this.#timers) if (timer.at <= end && !(next && next.at <= timer.at)) next = timer
      if (!next) break
      this.#now += next.at - this.#elapsed
      this.#elapsed = next.at
      if (next.every === undefined) this.#timers.delete(next)
      else next.at += Math.max(next.every, ms / TICKS)
      next.task()
    }
    this.#now += end - this.#elapsed
    this.#elapsed = end
  }

  /** Sets the wall clock alone, as an operator or a time server does. */
  stepTo(now: number): void {
    this.#now = now
  }

  #start(timer: Timer): () => void {
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }
}
