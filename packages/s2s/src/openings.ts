import type { Clock } from '@xmpp/server-core'
import { PeerError } from './peer-error.ts'

/** Streams that are opened at a time: each asks DNS, connects, and shakes hands. */
const AT_ONCE = 100
/** What takes longer than that stands aside (ms) … */
const SLOW = 3000
/** … with so many others at most: servers that do not answer keep nobody from those that do. */
const ASIDE = 900
/** Whoever has waited so long is told that it does not work now (ms). */
const PATIENCE = 20_000

interface Waiter {
  begin(): void
  fail(reason: string): void
}

export interface OpeningLimits {
  readonly atOnce: number
  readonly aside: number
}

/** Lets so many streams be opened at a time; the others wait for their turn, in order. */
export class Openings {
  readonly #clock: Clock
  readonly #limits: OpeningLimits
  /** In the order in which they came. */
  readonly #waiting = new Set<Waiter>()
  #running = 0
  #aside = 0

  constructor(clock: Clock, limits: OpeningLimits = { atOnce: AT_ONCE, aside: ASIDE }) {
    this.#clock = clock
    this.#limits = limits
  }

  /** @throws PeerError when it was not its turn in time, or what `open` throws */
  async run<T>(open: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#limits.atOnce) await this.#turn()
    else this.#running++
    let isAside = false
    const stop = this.#clock.every(SLOW, () => {
      if (isAside || this.#aside >= this.#limits.aside) return
      isAside = true
      this.#aside++
      this.#leave()
    })
    try {
      return await open()
    } finally {
      stop()
      if (isAside) this.#aside--
      else this.#leave()
    }
  }

  #turn(): Promise<void> {
    return new Promise((resolve, reject) => {
      const late = this.#clock.after(PATIENCE, () => {
        this.#waiting.delete(waiter)
        waiter.fail('too many other servers are being connected to')
      })
      const waiter: Waiter = {
        begin() {
          late()
          resolve()
        },
        fail(reason) {
          late()
          reject(new PeerError(reason))
        },
      }
      this.#waiting.add(waiter)
    })
  }

  /** Nobody gets a turn any more. */
  close(): void {
    for (const waiter of this.#waiting) waiter.fail('the server is going down')
    this.#waiting.clear()
  }

  /** Its place goes to whoever has waited longest. */
  #leave(): void {
    const [next] = this.#waiting
    if (!next) {
      this.#running--
      return
    }
    this.#waiting.delete(next)
    next.begin()
  }
}
