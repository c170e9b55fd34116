/** Half of libuv's threads: reading files and looking up names need the others. */
const AT_ONCE = Math.max(1, Math.floor(Number(process.env['UV_THREADPOOL_SIZE'] ?? 4) / 2))
/** Nobody is let in who would wait longer (ms), as far as the last ones tell. */
const PATIENCE = 2000
const SMOOTHING = 16

/** Work on the thread pool, a few at a time, the others one after another. */
export class Turnstile {
  readonly #waiting: (() => void)[] = []
  #running = 0
  /** What one has taken lately (ms). */
  #mean = 20

  /** Whether somebody who comes now has a turn before long. */
  get isQuick(): boolean {
    return (this.#waiting.length * this.#mean) / AT_ONCE < PATIENCE
  }

  async pass<T>(task: () => Promise<T>): Promise<T> {
    // Whoever leaves hands the place to the next one.
    if (this.#running === AT_ONCE) await new Promise<void>(resolve => this.#waiting.push(resolve))
    else this.#running++
    const began = performance.now()
    try {
      return await task()
    } finally {
      this.#mean += (performance.now() - began - this.#mean) / SMOOTHING
      const next = this.#waiting.shift()
      if (next) next()
      else this.#running--
    }
  }
}
