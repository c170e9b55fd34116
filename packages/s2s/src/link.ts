import { errorOf, mayBounce, type Stanza, StanzaError } from '@parley/stanza'
import { type Clock, type Logger, type Router, Transit } from '@xmpp/server-core'
import type { Pair } from './dialback.ts'
import { PeerError } from './peer-error.ts'
import { Unconfirmed } from './unconfirmed.ts'
import type { Way } from './way.ts'

export interface LinkParts {
  readonly clock: Clock
  readonly log: Logger
  readonly router: Router
  /** Makes a stream that is ready. Rejects where nothing works, with why. */
  open(pair: Pair, events: LinkEvents): Promise<Way>
}

export interface LinkEvents {
  ended(reason: PeerError): void
  confirmed(count: number): void
  ponged(id: string): void
}

/** Characters that may wait for one peer, written or not. */
const WAITING = 4_194_304
/** Bytes that a connected peer may leave unread before stanzas wait here. */
const BACKLOG = 1_048_576
/** A stream that nobody writes to is closed (ms). */
const IDLE = 600_000
/** After a failure the peer is left alone for so long, twice as long after each, and at most so long (ms). */
const BACK_OFF = 5000
const MOST_BACK_OFF = 300_000

/** The way from one of our domains to another one: stanzas in order, each delivered or answered with an error. */
export class Link {
  readonly pair: Pair
  readonly #parts: LinkParts
  #state: 'idle' | 'opening' | 'open' | 'resting' = 'idle'
  #stream: Way | undefined
  #unconfirmed: Unconfirmed | undefined
  /** Not written yet. */
  #queue: { readonly stanza: Stanza; readonly xml: string }[] = []
  #chars = 0
  #backOff = 0
  #problem: Error | undefined
  #stopIdle: (() => void) | undefined
  #used = 0
  /** Stanzas that had come when it was looked at last. */
  #arrived = 0

  constructor(pair: Pair, parts: LinkParts) {
    this.pair = pair
    this.#parts = parts
  }

  get state(): string {
    return this.#state
  }

  /** Stanzas that wait to be written, or to be confirmed. */
  get waiting(): number {
    return this.#queue.length + (this.#unconfirmed?.size ?? 0)
  }

  /** Why it did not work the last time; undefined where it did. */
  get problem(): Error | undefined {
    return this.#problem
  }

  get stream(): Way | undefined {
    return this.#stream
  }

  /** @throws StanzaError where it cannot be taken: the domain is known to be away, or too much waits for it */
  send(stanza: Stanza): void {
    if (this.#state === 'resting') throw this.#away()
    const xml = stanza.toXml()
    if (this.#chars + (this.#unconfirmed?.chars ?? 0) + xml.length > WAITING)
      throw new StanzaError('resource-constraint', `${this.pair.to} does not keep up`, { type: 'wait' })
    this.#queue.push({ stanza, xml })
    this.#chars += xml.length
    if (this.#state === 'open') this.#write()
    else if (this.#state === 'idle') this.#connect()
  }

  /** The peer has answered a ping of ours, on whichever stream. */
  ponged(id: string): void {
    this.#unconfirmed?.ponged(id)
  }

  /** Ends the stream; what waits goes back. */
  close(): void {
    this.#problem = new PeerError('the server is going down')
    this.#return()
    this.#stream?.close()
  }

  /** The peer's own stream may be used (XEP-0288), unless there is one already, or it is on its way. */
  borrow(begin: (events: LinkEvents) => Way | undefined): void {
    if (this.#state === 'open' || this.#state === 'opening') return
    const way = begin(this.#events())
    if (way) this.#opened(way)
  }

  #events(): LinkEvents {
    return {
      ended: (reason: PeerError) => this.#ended(reason),
      confirmed: (count: number) => this.#unconfirmed?.confirm(count),
      ponged: (id: string) => this.ponged(id),
    }
  }

  #connect(): void {
    this.#state = 'opening'
    this.#parts.open(this.pair, this.#events()).then(
      stream => this.#opened(stream),
      (error: Error) => this.#rest(error),
    )
  }

  #opened(stream: Way): void {
    this.#stream = stream
    this.#unconfirmed = new Unconfirmed(stream, this.#parts.clock)
    this.#state = 'open'
    this.#backOff = 0
    this.#problem = undefined
    const { wire, proof, acknowledges } = stream
    const { protocol: tls } = wire.tls ?? {}
    const said = { proof, tls, direct: wire.kind === 'tls', acknowledges, bidi: stream.isBidi, address: wire.remote }
    const what = stream.isBorrowed ? 'another server takes stanzas on its own stream' : 'connected to another server'
    this.#parts.log.info(what, { ...this.pair, ...said })
    this.#stopIdle = this.#parts.clock.every(IDLE, () => this.#closeWhenIdle())
    this.#write()
  }

  #write(): void {
    const stream = this.#stream
    if (!stream) return
    let written = 0
    for (const { stanza, xml } of this.#queue) {
      if (stream.wire.backlog > BACKLOG) break
      written++
      if (isLonger(xml, stream.maxBytes)) {
        this.#chars -= xml.length
        this.#bounce(stanza, tooLong(this.pair.to, stream.maxBytes!))
        continue
      }
      stream.write(xml)
      this.#chars -= xml.length
      this.#unconfirmed!.add(stanza, xml.length)
    }
    this.#used += written
    this.#queue = written === this.#queue.length ? [] : this.#queue.slice(written)
    if (this.#queue.length > 0) stream.wire.flushed(() => this.#write())
  }

  #closeWhenIdle(): void {
    const stream = this.#stream
    // Whoever has opened a stream sees to its end; and nobody closes it under what still comes.
    if (!stream || stream.isBorrowed) return
    if (this.#used === 0 && this.waiting === 0 && stream.arrived === this.#arrived) stream.close()
    this.#used = 0
    this.#arrived = stream.arrived
  }

  #ended(reason: PeerError): void {
    if (this.#state !== 'open') return
    this.#problem = reason
    this.#stopIdle?.()
    // Whether the peer has handled what it has not confirmed is not known: the sender hears so, and decides.
    const unknown = this.#unconfirmed?.rest() ?? []
    this.#stream = undefined
    this.#unconfirmed = undefined
    this.#state = 'idle'
    for (const stanza of unknown) this.#bounce(stanza)
    if (this.#queue.length > 0 && this.#state === 'idle') this.#connect()
  }

  /** Nothing works: what waits goes back, and for a while what comes does too. */
  #rest(problem: Error): void {
    this.#problem = problem
    this.#backOff = Math.min(MOST_BACK_OFF, this.#backOff * 2 || BACK_OFF)
    this.#state = 'resting'
    this.#parts.clock.after(this.#backOff, () => {
      if (this.#state === 'resting') this.#state = 'idle'
    })
    const { length } = this.#queue
    this.#parts.log.info('another server cannot be reached', { ...this.pair, reason: problem.message, stanzas: length })
    this.#return()
  }

  #return(): void {
    const queue = this.#queue
    this.#queue = []
    this.#chars = 0
    for (const { stanza } of queue) this.#bounce(stanza)
  }

  #away(): StanzaError {
    const { to } = this.pair
    // RFC 6120 §8.3.3.15, §8.3.3.16.
    const code = (this.#problem as { readonly code?: string } | undefined)?.code
    const condition = NOWHERE.has(code ?? '') ? 'remote-server-not-found' : 'remote-server-timeout'
    return new StanzaError(condition, `${to} cannot be reached: ${this.#problem?.message ?? 'not connected'}`)
  }

  #bounce(stanza: Stanza, error = this.#away()): void {
    if (mayBounce(stanza)) void this.#parts.router.handle(errorOf(stanza, error), new Transit())
  }
}

/** XEP-0478 §4: it would end the stream, and all that waits on it. A character has at most three bytes. */
function isLonger(xml: string, bytes: number | undefined): boolean {
  if (bytes === undefined || xml.length * 3 <= bytes) return false
  return xml.length > bytes || Buffer.byteLength(xml) > bytes
}

function tooLong(domain: string, bytes: number): StanzaError {
  return new StanzaError('policy-violation', `${domain} takes no stanza of more than ${bytes} bytes`)
}

/** What DNS says of a domain that no XMPP server has. */
const NOWHERE: ReadonlySet<string> = new Set(['nxdomain', 'nodata', 'declined', 'badname'])
