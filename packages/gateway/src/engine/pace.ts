import type { Clock } from '@xmpp/server-core'

/** So many a second, and some at once after a pause. */
export class Pace {
  readonly #clock: Clock
  readonly #rate: number
  readonly #burst: number
  #tokens: number
  #at: number

  constructor(clock: Clock, rate: number, burst: number) {
    this.#clock = clock
    this.#rate = rate
    this.#burst = burst
    this.#tokens = burst
    this.#at = clock.monotonic()
  }

  /** Milliseconds until the next one may go; 0: it goes now. */
  take(): number {
    const now = this.#clock.monotonic()
    this.#tokens = Math.min(this.#burst, this.#tokens + ((now - this.#at) / 1000) * this.#rate)
    this.#at = now
    if (this.#tokens < 1) return Math.ceil(((1 - this.#tokens) / this.#rate) * 1000)
    this.#tokens--
    return 0
  }
}
