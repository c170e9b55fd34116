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

  /** What names a text said in a conversation. */
  markOf(user: string, peer: string, text: string): string {
    return createHash('sha256').update(`${user}\n${peer}\n${text}`).digest('base64url')
  }

  /** False: it was there within the last ten seconds. */
  isNew(mark: string): boolean {
    const now = this.#clock.monotonic()
    const before = this.#seen.get(mark)
    this.#seen.delete(mark)
    this.#seen.set(mark, now)
    if (this.#seen.size > KEPT) this.#seen.delete(this.#seen.keys().next().value!)
    return before === undefined || before + SAME <= now
  }
}
