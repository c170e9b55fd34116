import type { Stanza } from '@parley/stanza'
import { type Element, el, serialize } from '@parley/xml'
import type { Wire } from '@xmpp/server-core'
import type { Pair } from './dialback.ts'
import type { LinkEvents } from './link.ts'
import { S2S, WRAP } from './names.ts'
import { PeerError } from './peer-error.ts'

/** What carries stanzas of ours to another server: a stream that we have opened, or one that the peer has (XEP-0288). */
export interface Way {
  readonly wire: Wire
  /** Whether it is used in both directions. */
  readonly isBidi: boolean
  /** The peer has opened it, and closes it. */
  readonly isBorrowed: boolean
  /** Stanzas that have come on it. */
  readonly arrived: number
  /** How we have proven to be who we are; undefined where the peer came to us. */
  readonly proof: 'certificate' | 'dialback' | undefined
  /** How the peer has proven to be who it is, or why it has not, in words for an operator. */
  readonly theirs: string
  readonly acknowledges: boolean
  /** The longest stanza that the peer takes, in bytes (XEP-0478); undefined where it does not say. */
  readonly maxBytes: number | undefined
  write(xml: string, name: Stanza['name']): void
  /** Asks for an acknowledgement of what was written. */
  ask(pingId: string): void
  fail(reason: PeerError): void
  close(): void
}

/** What a reverse way needs of the stream that a peer has opened. */
interface BorrowedStream extends Pick<Way, 'wire' | 'arrived' | 'write'> {
  /** Ends the stream. */
  fail(condition: 'connection-timeout', text: string): void
}

/** The way back on a stream that a peer has opened. */
export class ReverseWay implements Way {
  readonly isBidi = true
  readonly isBorrowed = true
  readonly proof = undefined
  readonly theirs: string
  readonly maxBytes: number | undefined
  readonly #pair: Pair
  readonly #stream: BorrowedStream
  readonly #events: LinkEvents
  #written = 0
  /** XEP-0198: how many had been written when the peer began to count; undefined before. */
  #from: number | undefined
  #isOver = false

  /** `pair`: our domain, and theirs. */
  constructor(
    { pair, theirs, maxBytes }: Pick<Way, 'theirs' | 'maxBytes'> & { readonly pair: Pair },
    stream: BorrowedStream,
    events: LinkEvents,
  ) {
    this.#pair = pair
    this.theirs = theirs
    this.maxBytes = maxBytes
    this.#stream = stream
    this.#events = events
  }

  get wire(): Wire {
    return this.#stream.wire
  }

  get arrived(): number {
    return this.#stream.arrived
  }

  get acknowledges(): boolean {
    return this.#from !== undefined
  }

  write(xml: string, name: Stanza['name']): void {
    this.#written++
    this.#stream.write(xml, name)
  }

  ask(pingId: string): void {
    if (this.#from === undefined) this.wire.stanza(pingXml(this.#pair, pingId))
    else this.wire.send(`<r xmlns="${S2S.sm}"/>`)
  }

  /** The peer counts from now on. */
  count(): void {
    this.#from = this.#written
  }

  /** @param h of an `<a/>` */
  acknowledged(h: number): void {
    const isCount = Number.isInteger(h) && h >= 0 && h < WRAP
    if (isCount && this.#from !== undefined) this.#events.confirmed(this.#from + h)
  }

  fail(reason: PeerError): void {
    this.ended(reason)
    this.#stream.fail('connection-timeout', reason.message)
  }

  close(): void {
    this.ended(new PeerError('closed'))
  }

  /** The stream is over, or is not used any more. */
  ended(reason: PeerError): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#events.ended(reason)
  }
}

/** A ping (XEP-0199) whose answer says that what was before it has been handled. */
export function pingXml({ from, to }: Pair, id: string): string {
  return `<iq type="get" id="${id}" from="${from}" to="${to}"><ping xmlns="${S2S.ping}"/></iq>`
}

/** XEP-0478, in our features, or where we ask for both directions. */
export function limitsOf(stanzaBytes: number): Element {
  return el('limits', S2S.limits, null, el('max-bytes', S2S.limits, null, stanzaBytes))
}

/** The longest stanza that a peer takes, where `<limits/>` stand in `parent`. */
export function maxBytesOf(parent: Element): number | undefined {
  const bytes = Number(parent.child('limits', S2S.limits)?.child('max-bytes', S2S.limits)?.text().trim() || Number.NaN)
  return Number.isInteger(bytes) && bytes > 0 ? bytes : undefined
}

/** `<bidi/>` of whoever opens a stream (XEP-0288 §2.2). */
export function bidiXml(stanzaBytes: number): string {
  return serialize(el('bidi', S2S.bidi, null, limitsOf(stanzaBytes)))
}
