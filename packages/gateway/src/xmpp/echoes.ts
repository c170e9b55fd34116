import { createHash } from 'node:crypto'
import type { Clock } from '@xmpp/server-core'

/** How long the same text counts as the same message (ms), and how many are remembered. */
const SAME = 10_000
const KEPT = 10_000

/** Messages without an id that come twice: known by who, what and when. */
export class Echoes {
  readonly #clock: Clock
  readonly #seen = new Map<string, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** What goes there from here: it may come back. */
  sent(where: string, text: string): void {
    this.isNew(where, text)
  }

  isNew(where: string, text: string): boolean {
    const key = createHash('sha256').update(`${where}\n${text}`).digest('base64')
    const now = this.#clock.monotonic()
    const before = this.#seen.get(key)
    this.#seen.delete(key)
    this.#seen.set(key, now)
    if (this.#seen.size > KEPT) this.#seen.delete(this.#seen.keys().next().value!)
    return before === undefined || before + SAME <= now
  }
}
