import { el, serialize } from '@parley/xml'
import type { Acknowledging, Clock, Session } from '@xmpp/server-core'

const REQUEST = serialize(el('r', 'urn:xmpp:sm:3'))
/** Stanzas after which an acknowledgement is asked for at once; fewer wait for the next round. */
const EVERY = 10
/** Stanzas after which it is asked for again, though the last request has no answer yet. */
const AGAIN = 100
const ROUND = 1000
/** A client that does not answer for so long is taken for lost (XEP-0198 §5: the session is then held). */
const PATIENCE = 60_000

/** When to ask a client what it has taken: often enough to notice a dead connection, seldom enough to cost nothing. */
export class AckRequests {
  readonly #clock: Clock
  readonly #all = new WeakMap<Session, Requests>()
  readonly #open = new Map<Session, Requests>()
  readonly stop: () => void

  constructor(clock: Clock) {
    this.#clock = clock
    this.stop = clock.every(ROUND, () => this.#round())
  }

  /** For {@link Session.acks}; `sent` is how much was sent before. */
  of(session: Session, sent = 0): Acknowledging {
    const requests = new Requests(sent)
    this.#all.set(session, requests)
    return {
      sent: n => {
        requests.sent = n
        if (requests.unasked++ === 0) this.#open.set(session, requests)
        if (requests.unasked >= (requests.asked === 0 ? EVERY : AGAIN)) this.#ask(session, requests)
      },
      answered: () => {
        requests.asked = 0
      },
    }
  }

  /** How many stanzas have been sent to the client. */
  sentTo(session: Session): number {
    return this.#all.get(session)?.sent ?? 0
  }

  #ask(session: Session, requests: Requests): void {
    const stream = session.stream
    if (!stream) return
    stream.wire.send(REQUEST)
    requests.unasked = 0
    requests.asked = this.#clock.monotonic()
  }

  #round(): void {
    const late = this.#clock.monotonic() - PATIENCE
    for (const [session, requests] of this.#open) {
      if (!session.stream) this.#open.delete(session)
      else if (requests.asked !== 0) {
        if (requests.asked <= late) session.stream.fail('connection-timeout', 'No acknowledgement')
      } else if (requests.unasked > 0) this.#ask(session, requests)
      else this.#open.delete(session)
    }
  }
}

class Requests {
  /** The number of the last stanza written. */
  sent: number
  /** Stanzas written since the last request. */
  unasked = 0
  /** When a request went out that has no answer yet; 0: none. */
  asked = 0

  constructor(sent: number) {
    this.sent = sent
  }
}
