import { type AdapterClock, AdapterError } from '@parley/adapter'

/** Lines that wait; what is beyond is refused. */
const WAITING = 1000

/**
 * Lets lines go as the network allows (RFC 1459 § 8.10): a burst at first, then one each interval. They keep their order.
 */
export class Pace {
  readonly #clock: AdapterClock
  readonly #burst: number
  readonly #interval: number
  readonly #write: (line: string) => void
  readonly #queue: { readonly line: string; readonly written: (() => void) | undefined }[] = []
  #tokens: number
  #refilled: number
  #cancel: (() => void) | undefined

  constructor(clock: AdapterClock, burst: number, interval: number, write: (line: string) => void) {
    this.#clock = clock
    this.#burst = burst
    this.#interval = interval
    this.#write = write
    this.#tokens = burst
    this.#refilled = clock.now()
  }

  /** Nothing waits. */
  get free(): boolean {
    return this.#queue.length === 0
  }

  /** @throws AdapterError where too many wait */
  push(line: string, written?: () => void): void {
    if (this.#queue.length >= WAITING)
      throw new AdapterError('limited', 'Too much is being said at once', this.#interval)
    this.#queue.push({ line, written })
    if (!this.#cancel) this.#run()
  }

  stop(): void {
    this.#cancel?.()
    this.#cancel = undefined
    this.#queue.length = 0
  }

  #run(): void {
    this.#cancel = undefined
    const now = this.#clock.now()
    const fresh = Math.floor((now - this.#refilled) / this.#interval)
    if (fresh > 0) {
      this.#tokens = Math.min(this.#burst, this.#tokens + fresh)
      this.#refilled = this.#tokens === this.#burst ? now : this.#refilled + fresh * this.#interval
    }
    while (this.#tokens > 0 && this.#queue.length > 0) {
      if (this.#tokens === this.#burst) this.#refilled = now
      this.#tokens--
      const next = this.#queue.shift()!
      this.#write(next.line)
      next.written?.()
    }
    if (this.#queue.length > 0)
      this.#cancel = this.#clock.after(Math.max(1, this.#refilled + this.#interval - now), () => this.#run())
  }
}
