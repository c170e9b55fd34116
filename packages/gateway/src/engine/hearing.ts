import type { Event } from '@parley/adapter'
import type { Awaitable, Clock } from '@xmpp/server-core'
import { Pace } from './pace.ts'
import type { Slices } from './slices.ts'

/** Events of one account a second, and at once after a pause: a list of contacts that come online together. */
const RATE = 200
const BURST = 2000

/** How fast an account is heard: the same for all its sessions, so that who comes again and again is heard no more. */
export const hearingPace = (clock: Clock) => new Pace(clock, RATE, BURST)

/** Credit is given back in such lots. */
const LOT = 16

export interface HearingParts {
  readonly clock: Clock
  readonly pace: Pace
  /** Shared by all sessions. */
  readonly slices: Slices
  /** Never rejects. */
  hear(event: Event): Awaitable<void>
  /** So many more may be sent. */
  credit(count: number): void
}

/** Hears the events of one session in order, each when the one before is done, no faster than is good for everybody else. */
export class Hearing {
  readonly #parts: HearingParts
  readonly #waiting: Event[] = []
  #isGoing = false
  #going: Promise<void> | undefined
  #heard = 0

  constructor(parts: HearingParts) {
    this.#parts = parts
  }

  add(events: readonly Event[]): void {
    for (const event of events) this.#waiting.push(event)
    if (!this.#isGoing) this.#going = this.#go()
  }

  /** Resolves when all that came has been heard. */
  async done(): Promise<void> {
    while (this.#isGoing) await this.#going
  }

  async #go(): Promise<void> {
    this.#isGoing = true
    try {
      while (this.#waiting.length > 0) await this.#next()
    } finally {
      this.#isGoing = false
    }
  }

  async #next(): Promise<void> {
    const { clock, pace, slices, hear } = this.#parts
    const event = this.#waiting.shift()!
    const turn = slices.take()
    if (turn) await turn
    for (let wait = pace.take(); wait > 0; wait = pace.take())
      await new Promise<void>(resolve => clock.after(wait, () => resolve()))
    const heard = hear(event)
    if (heard) await heard
    this.#count()
  }

  #count(): void {
    this.#heard++
    if (this.#heard < LOT && this.#waiting.length > 0) return
    this.#parts.credit(this.#heard)
    this.#heard = 0
  }
}
