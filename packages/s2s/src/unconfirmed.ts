import { randomBytes } from 'node:crypto'
import type { Clock } from '@xmpp/server-core'
import type { Entry } from './entry.ts'
import { Fifo } from './fifo.ts'
import { PeerError } from './peer-error.ts'
import type { Way } from './way.ts'

/** After so many stanzas, or so long after the first (ms), the peer is asked what it has handled. */
const ASK_AFTER = 100
const ASK_WITHIN = 500
/** When nothing is confirmed for so long, all is taken for lost, and the stream with it: a request is answered within a minute. */
const PATIENCE = 30_000

/** Pings that ask whether everything before them has been handled begin so; whose they are and the count of stanzas before them follow. */
export const PING_ID = 'parley-until-'

/** What was written to one stream and is not known to have been handled: by the peer's counting (XEP-0198), or by pings. */
export class Unconfirmed {
  readonly #stream: Way
  readonly #clock: Clock
  /** A late answer on one stream says nothing of the next one. */
  readonly #pings = `${PING_ID}${randomBytes(6).toString('hex')}-`
  /** The first has the number `#confirmed + 1`. */
  readonly #sent = new Fifo<Entry>()
  #confirmed = 0
  #asked = 0
  #stopAsking: (() => void) | undefined
  #stopPatience: (() => void) | undefined

  constructor(stream: Way, clock: Clock) {
    this.#stream = stream
    this.#clock = clock
  }

  get size(): number {
    return this.#sent.size
  }

  get entries(): readonly Entry[] {
    return [...this.#sent]
  }

  add(entry: Entry): void {
    this.#sent.push(entry)
    this.#stopPatience ??= this.#watch()
    if (this.#confirmed + this.#sent.size - this.#asked >= ASK_AFTER) this.ask()
    else this.#stopAsking ??= this.#clock.after(ASK_WITHIN, () => this.ask())
  }

  /** The peer has handled so many since the stream began: gives those that it had not before. */
  confirm(count: number): readonly Entry[] {
    const taken = Math.min(count - this.#confirmed, this.#sent.size)
    if (taken <= 0) return NONE
    const confirmed = this.#sent.take(taken)
    this.#confirmed += taken
    this.#stopPatience?.()
    this.#stopPatience = this.#sent.size > 0 ? this.#watch() : undefined
    return confirmed
  }

  /**
   * Stanzas are handled in order (RFC 6120 §10.1): an answer, of whatever kind, says that what was before the ping was handled. Gives it as
   * {@link confirm} does.
   */
  ponged(id: string): readonly Entry[] {
    const count = id.startsWith(this.#pings) ? Number(id.slice(this.#pings.length)) : Number.NaN
    // Nobody confirms what was not written.
    return Number.isInteger(count) && count <= this.#confirmed + this.#sent.size ? this.confirm(count) : NONE
  }

  /** The stream is over: what nobody knows of. */
  rest(): readonly Entry[] {
    this.#stopAsking?.()
    this.#stopPatience?.()
    return this.entries
  }

  ask(): void {
    this.#stopAsking?.()
    this.#stopAsking = undefined
    this.#asked = this.#confirmed + this.#sent.size
    this.#stream.ask(`${this.#pings}${this.#asked}`)
  }

  #watch(): () => void {
    return this.#clock.after(PATIENCE, () => this.#stream.fail(new PeerError('it does not confirm what it was sent')))
  }
}

const NONE: readonly Entry[] = []
