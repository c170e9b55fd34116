import { randomBytes } from 'node:crypto'
import type { Stanza } from '@parley/stanza'
import type { Clock } from '@xmpp/server-core'
import { PeerError } from './peer-error.ts'
import type { Way } from './way.ts'

/** After so many stanzas, or so long after the first (ms), the peer is asked what it has handled. */
const ASK_AFTER = 100
const ASK_WITHIN = 500
/** What is not confirmed for so long is taken for lost, and the stream with it. */
const PATIENCE = 60_000

/** Pings that ask whether everything before them has been handled begin so; whose they are and the count of stanzas before them follow. */
export const PING_ID = 'parley-until-'

/** What was written to one stream and is not known to have been handled: by the peer's counting (XEP-0198), or by pings. */
export class Unconfirmed {
  readonly #stream: Way
  readonly #clock: Clock
  /** A late answer on one stream says nothing of the next one. */
  readonly #pings = `${PING_ID}${randomBytes(6).toString('hex')}-`
  /** The first has the number `#confirmed + 1`. */
  #sent: { readonly stanza: Stanza; readonly chars: number }[] = []
  #chars = 0
  #confirmed = 0
  #asked = 0
  #stopAsking: (() => void) | undefined
  #stopPatience: (() => void) | undefined

  constructor(stream: Way, clock: Clock) {
    this.#stream = stream
    this.#clock = clock
  }

  get size(): number {
    return this.#sent.length
  }

  get chars(): number {
    return this.#chars
  }

  add(stanza: Stanza, chars: number): void {
    this.#sent.push({ stanza, chars })
    this.#chars += chars
    this.#stopPatience ??= this.#watch()
    if (this.#confirmed + this.#sent.length - this.#asked >= ASK_AFTER) this.#ask()
    else this.#stopAsking ??= this.#clock.after(ASK_WITHIN, () => this.#ask())
  }

  /** The peer has handled so many since the stream began. */
  confirm(count: number): void {
    const taken = Math.min(count - this.#confirmed, this.#sent.length)
    if (taken <= 0) return
    for (let n = 0; n < taken; n++) this.#chars -= this.#sent[n]!.chars
    this.#sent = this.#sent.slice(taken)
    this.#confirmed += taken
    this.#stopPatience?.()
    this.#stopPatience = this.#sent.length > 0 ? this.#watch() : undefined
  }

  /** Stanzas are handled in order (RFC 6120 §10.1): an answer, of whatever kind, says that what was before the ping was handled. */
  ponged(id: string): void {
    const count = id.startsWith(this.#pings) ? Number(id.slice(this.#pings.length)) : Number.NaN
    // Nobody confirms what was not written.
    if (Number.isInteger(count) && count <= this.#confirmed + this.#sent.length) this.confirm(count)
  }

  /** The stream is over: what nobody knows of. */
  rest(): readonly Stanza[] {
    this.#stopAsking?.()
    this.#stopPatience?.()
    return this.#sent.map(({ stanza }) => stanza)
  }

  #ask(): void {
    this.#stopAsking?.()
    this.#stopAsking = undefined
    this.#asked = this.#confirmed + this.#sent.length
    this.#stream.ask(`${this.#pings}${this.#asked}`)
  }

  #watch(): () => void {
    return this.#clock.after(PATIENCE, () => this.#stream.fail(new PeerError('it does not confirm what it was sent')))
  }
}
