import { DnsError } from './errors.ts'

/** Questions under way at a time: each has a socket. */
const MAX_RUNNING = 128
/** Questions that wait for those; more come from nobody who will wait for the answer. */
const MAX_WAITING = 4096

/** Lets so many questions run at a time, the others wait in order. */
export class Lane {
  #running = 0
  readonly #waiting: (() => void)[] = []

  /** @throws DnsError when too many wait */
  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#running < MAX_RUNNING) this.#running++
    else if (this.#waiting.length < MAX_WAITING) await new Promise<void>(resolve => this.#waiting.push(resolve))
    else throw new DnsError('timeout', 'Too many questions wait for an answer of DNS')
    try {
      return await task()
    } finally {
      const next = this.#waiting.shift()
      if (next) next()
      else this.#running--
    }
  }
}
