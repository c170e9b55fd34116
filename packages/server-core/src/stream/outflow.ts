import { LIVE_LIMITS } from '@parley/live'
import type { Clock } from '@parley/net'
import type { Wire } from './wire.ts'

/** Bytes that are given to the network before it has taken them. */
const HIGH = 1_048_576
/** A client that has taken nothing of them for so long does not read (ms). */
const PATIENCE = 60_000

/** Characters that wait in all outflows of this process. */
let waiting = 0

/**
 * Stanzas on their way to a client. A connection may take them more slowly than they come, and still take them: after a
 * resumption, or when somebody was away for long, more comes at once than any network takes. What is beyond a mebibyte
 * waits here, in order; where it is more than may wait for one client, or nothing moves, the client does not read.
 */
export class Outflow {
  readonly #wire: Wire
  readonly #clock: Clock
  readonly #stuck: () => void
  /** Stanzas, and who wants to hear when those before have left. */
  #later: (string | (() => void))[] = []
  #chars = 0
  #stop: (() => void) | undefined

  constructor(wire: Wire, clock: Clock, stuck: () => void) {
    this.#wire = wire
    this.#clock = clock
    this.#stuck = stuck
  }

  /** False: too much waits already. */
  stanza(xml: string): boolean {
    if (this.#later.length === 0) {
      if (this.#wire.backlog <= HIGH) {
        this.#wire.stanza(xml)
        return true
      }
      this.#wait()
    }
    const { chars, total } = LIVE_LIMITS
    if ((this.#chars > 0 && this.#chars + xml.length > chars) || waiting + xml.length > total) return false
    this.#later.push(xml)
    this.#grow(xml.length)
    return true
  }

  /** Calls back when everything so far has been given to the network; never where it does not take it. */
  flushed(done: () => void): void {
    if (this.#later.length === 0) this.#wire.flushed(done)
    else this.#later.push(done)
  }

  /** What waits is not sent any more. */
  clear(): void {
    this.#stop?.()
    this.#stop = undefined
    this.#later = []
    this.#grow(-this.#chars)
  }

  #wait(): void {
    this.#stop?.()
    this.#stop = this.#clock.after(PATIENCE, this.#stuck)
    this.#wire.flushed(() => this.#goOn())
  }

  #goOn(): void {
    let taken = 0
    for (const next of this.#later) {
      if (this.#wire.backlog > HIGH) break
      taken++
      if (typeof next === 'string') {
        this.#wire.stanza(next)
        this.#grow(-next.length)
      } else this.#wire.flushed(next)
    }
    this.#later = this.#later.slice(taken)
    if (this.#later.length > 0) this.#wait()
    else this.#stop?.()
  }

  #grow(chars: number): void {
    this.#chars += chars
    waiting += chars
  }
}
