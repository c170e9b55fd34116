import type { Clock } from '@xmpp/server-core'

/** A stanza whose first byte came must be complete within this time. */
const STANZA_TIME = 60_000
const SWEEP = 10_000

export interface Reader {
  /** The stanza being read took too long. */
  stalled(): void
}

/** Finds peers that begin a stanza and do not end it: one sweep over all, no timer for each. */
export class Stalls {
  readonly #clock: Clock
  readonly #deadlines = new Map<Reader, number>()
  readonly #stop: () => void

  constructor(clock: Clock) {
    this.#clock = clock
    this.#stop = clock.every(SWEEP, () => this.#sweep())
  }

  get size(): number {
    return this.#deadlines.size
  }

  /** A chunk was read; `progress` says whether it completed a stanza, `unfinished` whether it ended inside one. */
  read(reader: Reader, unfinished: boolean, progress: boolean): void {
    if (!unfinished || progress) this.#deadlines.delete(reader)
    if (unfinished && !this.#deadlines.has(reader)) {
      this.#deadlines.set(reader, this.#clock.monotonic() + STANZA_TIME)
    }
  }

  forget(reader: Reader): void {
    this.#deadlines.delete(reader)
  }

  stop(): void {
    this.#stop()
    this.#deadlines.clear()
  }

  #sweep(): void {
    const now = this.#clock.monotonic()
    for (const [reader, deadline] of this.#deadlines) {
      if (deadline > now) continue
      this.#deadlines.delete(reader)
      reader.stalled()
    }
  }
}
