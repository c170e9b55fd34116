import { type Clock, systemClock } from '@parley/net'

/** Time as it is, until it is hurried: what is waited for from then on comes so many times sooner. */
export class HurriedClock implements Clock {
  #rate = 1
  #since = 0
  #passed = 0

  hurry(rate: number): void {
    this.#passed = this.#ahead
    this.#since = systemClock.monotonic()
    this.#rate = rate
  }

  now(): number {
    return systemClock.now() + this.#ahead
  }

  monotonic(): number {
    return systemClock.monotonic() + this.#ahead
  }

  every(ms: number, task: () => void): () => void {
    return systemClock.every(ms / this.#rate, task)
  }

  after(ms: number, task: () => void): () => void {
    return systemClock.after(ms / this.#rate, task)
  }

  /** How far it is before the time of the machine (ms). */
  get #ahead(): number {
    return this.#passed + (systemClock.monotonic() - this.#since) * (this.#rate - 1)
  }
}
