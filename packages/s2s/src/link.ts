import { StanzaError } from '@parley/stanza'
import type { Clock, Logger } from '@xmpp/server-core'
import type { Pair } from './dialback.ts'
import type { Entry } from './entry.ts'
import { Fifo } from './fifo.ts'
import type { PeerError } from './peer-error.ts'
import { Unconfirmed } from './unconfirmed.ts'
import type { Way } from './way.ts'

export interface LinkParts {
  readonly clock: Clock
  readonly log: Logger
  /** How long messages wait while the domain cannot be reached (ms). */
  readonly patience: number
  /** What waits on all links. */
  readonly waiting: Waiting
  /** Makes a stream that is ready. Rejects where nothing works, with why. */
  open(pair: Pair, events: LinkEvents): Promise<Way>
  /** The peer has handled what had these rows. */
  handled(pair: Pair, ids: readonly bigint[]): void
  /** Tells the sender that its stanza was not delivered. */
  refuse(pair: Pair, entry: Entry, error: StanzaError): void
}

export interface LinkEvents {
  ended(reason: PeerError): void
  confirmed(count: number): void
  ponged(id: string): void
}

/** Characters that wait on all links together, written or not. */
export interface Waiting {
  chars: number
  readonly limit: number
}

/** Characters that may wait for one peer, written or not. */
export const WAITING = 4_194_304
/** Bytes that a connected peer may leave unread before stanzas wait here. */
const BACKLOG = 1_048_576
/** Stanzas that are written before any of them is confirmed: if the stream breaks, all of these go back. */
const WINDOW = 500
/** A stream that nobody writes to is closed (ms). */
const IDLE = 600_000
/** After a failure the peer is left alone for so long, twice as long after each, and at most so long (ms). */
const BACK_OFF = 5000
const MOST_BACK_OFF = 300_000
/** When nobody has tried for so long, what went wrong before says nothing any more (ms). */
const FORGOTTEN = 600_000
/** What cannot wait waits at most for so long for a connection (ms). */
const CONNECTING = 25_000
/** How long the end of a link waits for what the peer has still to confirm (ms). */
const LAST_WORD = 2000

/**
 * The way from one of our domains to another one: stanzas in order, each delivered or answered with an error. While the domain cannot be
 * reached messages wait, for a time; everything else is answered at once.
 */
export class Link {
  readonly pair: Pair
  readonly #parts: LinkParts
  #state: 'idle' | 'opening' | 'open' | 'resting' | 'closed' = 'idle'
  #stream: Way | undefined
  #unconfirmed: Unconfirmed | undefined
  /** Not written yet. */
  #queue = new Fifo<Entry>()
  /** Of all that waits, written or not. */
  #chars = 0
  #backOff = 0
  #problem: Error | undefined
  #failedAt = 0
  /** The domain has been away for longer than messages wait, or there is none. */
  #isAway = false
  #stopPatience: (() => void) | undefined
  #stopConnecting: (() => void) | undefined
  #stopIdle: (() => void) | undefined
  #used = 0
  /** Stanzas that had come when it was looked at last. */
  #arrived = 0
  #settled: (() => void) | undefined

  constructor(pair: Pair, parts: LinkParts) {
    this.pair = pair
    this.#parts = parts
  }

  get state(): string {
    return this.#state
  }

  /** Stanzas that wait to be written, or to be confirmed. */
  get waiting(): number {
    return this.#queue.size + (this.#unconfirmed?.size ?? 0)
  }

  /** What waits, oldest first. */
  get entries(): readonly Entry[] {
    return [...(this.#unconfirmed?.entries ?? []), ...this.#queue]
  }

  /** Why it did not work the last time; undefined where it did. */
  get problem(): Error | undefined {
    return this.#problem
  }

  get stream(): Way | undefined {
    return this.#stream
  }

  /** @throws StanzaError where it cannot be taken: the domain is known to be away, or too much waits for it */
  send(entry: Entry): void {
    const { waiting } = this.#parts
    if (this.#state === 'resting' && (this.#isAway || !entry.mayWait)) throw this.#away()
    const { length } = entry.xml
    if (this.#chars + length > WAITING || waiting.chars + length > waiting.limit)
      throw new StanzaError('resource-constraint', `${this.pair.to} does not keep up`, { type: 'wait' })
    this.#push(entry)
    this.#go()
  }

  /** Takes over what was promised already, whatever its size. */
  adopt(entries: readonly Entry[]): void {
    for (const entry of entries) this.#push(entry)
    if (this.#state === 'resting' && this.#isAway) this.#return(this.#away())
    else if (entries.length > 0) this.#go()
  }

  /** The peer has answered a ping of ours, on whichever stream. */
  ponged(id: string): void {
    this.#handled(this.#unconfirmed?.ponged(id))
  }

  /** Ends the stream; what waits goes back. */
  close(why = new StanzaError('remote-server-timeout', `${this.pair.to} is not connected any more`)): void {
    const left = this.entries
    this.drop()
    for (const entry of left) this.#parts.refuse(this.pair, entry, why)
  }

  /** Ends the stream when the peer has confirmed what it was sent, or shortly after. Gives what was not written; nobody is answered. */
  async leave(): Promise<readonly Entry[]> {
    const unconfirmed = this.#unconfirmed
    if (unconfirmed && unconfirmed.size > 0) {
      const settled = new Promise<void>(resolve => {
        this.#settled = resolve
      })
      unconfirmed.ask()
      const stop = this.#parts.clock.after(LAST_WORD, () => this.#settled?.())
      await settled
      stop()
    }
    const queue = [...this.#queue]
    this.drop()
    return queue
  }

  /** Ends the stream and forgets what waits: others have it. */
  drop(): void {
    this.#state = 'closed'
    this.#unconfirmed?.rest()
    this.#unconfirmed = undefined
    this.#queue = new Fifo()
    this.#release(this.#chars)
    for (const stop of [this.#stopPatience, this.#stopConnecting, this.#stopIdle]) stop?.()
    const stream = this.#stream
    this.#stream = undefined
    stream?.close()
    this.#settled?.()
  }

  #push(entry: Entry): void {
    this.#queue.push(entry)
    this.#chars += entry.xml.length
    this.#parts.waiting.chars += entry.xml.length
  }

  #release(chars: number): void {
    this.#chars -= chars
    this.#parts.waiting.chars -= chars
  }

  #go(): void {
    if (this.#state === 'open') this.#write()
    else if (this.#state === 'idle') this.#connect()
  }

  /** The peer's own stream may be used (XEP-0288), unless there is one already, or it is on its way. */
  borrow(begin: (events: LinkEvents) => Way | undefined): void {
    if (this.#state !== 'idle' && this.#state !== 'resting') return
    const way = begin(this.#events())
    if (!way) return
    this.#state = 'opening'
    this.#opened(way)
  }

  #events(): LinkEvents {
    return {
      ended: (reason: PeerError) => this.#ended(reason),
      confirmed: (count: number) => this.#handled(this.#unconfirmed?.confirm(count)),
      ponged: (id: string) => this.ponged(id),
    }
  }

  #connect(): void {
    const { clock, patience } = this.#parts
    this.#state = 'opening'
    if (this.#isAway && clock.monotonic() - this.#failedAt > FORGOTTEN) {
      this.#isAway = false
      this.#backOff = 0
    }
    if (!this.#isAway && patience > 0) this.#stopPatience ??= clock.after(patience, () => this.#giveUp())
    this.#stopConnecting = clock.every(CONNECTING, () => this.#return(this.#away(), { stays: true }))
    this.#parts.open(this.pair, this.#events()).then(
      stream => this.#opened(stream),
      (error: Error) => this.#rest(error),
    )
  }

  #opened(stream: Way): void {
    if (this.#state !== 'opening') {
      stream.close()
      return
    }
    this.#stopConnecting?.()
    this.#stopPatience?.()
    this.#stopPatience = undefined
    this.#stream = stream
    this.#unconfirmed = new Unconfirmed(stream, this.#parts.clock)
    this.#state = 'open'
    this.#isAway = false
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
    const unconfirmed = this.#unconfirmed
    if (!stream || !unconfirmed) return
    while (this.#queue.size > 0) {
      if (unconfirmed.size >= WINDOW || stream.wire.backlog > BACKLOG) break
      const entry = this.#queue.shift()!
      this.#used++
      if (isLonger(entry.xml, stream.maxBytes)) {
        this.#refuse(entry, tooLong(this.pair.to, stream.maxBytes!))
        continue
      }
      stream.write(entry.xml, entry.name)
      unconfirmed.add(entry)
    }
    if (this.#queue.size > 0 && unconfirmed.size < WINDOW) stream.wire.flushed(() => this.#write())
  }

  #handled(entries: readonly Entry[] = []): void {
    let chars = 0
    let ids: bigint[] | undefined
    for (const { xml, id } of entries) {
      chars += xml.length
      if (id === undefined) continue
      ids ??= []
      ids.push(id)
    }
    this.#release(chars)
    if (ids) this.#parts.handled(this.pair, ids)
    if (this.#queue.size > 0) this.#write()
    if (this.#unconfirmed?.size === 0) this.#settled?.()
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
    for (const entry of unknown) this.#refuse(entry, this.#away())
    this.#return(this.#away(), { stays: true })
    this.#settled?.()
    if (this.#queue.size > 0 && this.#state === 'idle') this.#connect()
  }

  /** Nothing works: what can wait does, and the peer is tried again later. */
  #rest(problem: Error): void {
    if (this.#state !== 'opening') return
    const { clock, log, patience } = this.#parts
    this.#stopConnecting?.()
    this.#problem = problem
    this.#failedAt = clock.monotonic()
    this.#backOff = Math.min(MOST_BACK_OFF, this.#backOff * 2 || BACK_OFF)
    this.#state = 'resting'
    clock.after(this.#backOff, () => this.#rested())
    const { size } = this.#queue
    log.info('another server cannot be reached', { ...this.pair, reason: problem.message, stanzas: size })
    if (patience === 0 || this.#isAway || this.#isNowhere) this.#giveUp()
    else this.#return(this.#away(), { stays: true })
  }

  #rested(): void {
    if (this.#state !== 'resting') return
    this.#state = 'idle'
    if (this.#queue.size > 0) this.#connect()
  }

  /** From now on nothing waits, until the peer can be reached again. */
  #giveUp(): void {
    this.#stopPatience?.()
    this.#stopPatience = undefined
    this.#isAway = true
    this.#return(this.#away())
  }

  /** What waits unwritten goes back, but for what may stay. */
  #return(error: StanzaError, { stays = false } = {}): void {
    const queue = this.#queue
    this.#queue = new Fifo(stays ? [...queue].filter(({ mayWait }) => mayWait) : [])
    if (this.#queue.size === queue.size) return
    for (const entry of queue) if (!stays || !entry.mayWait) this.#refuse(entry, error)
  }

  #refuse(entry: Entry, error: StanzaError): void {
    this.#release(entry.xml.length)
    this.#parts.refuse(this.pair, entry, error)
  }

  get #isNowhere(): boolean {
    return NOWHERE.has((this.#problem as { readonly code?: string } | undefined)?.code ?? '')
  }

  #away(): StanzaError {
    const { to } = this.pair
    // RFC 6120 §8.3.3.15, §8.3.3.16.
    const condition = this.#isNowhere ? 'remote-server-not-found' : 'remote-server-timeout'
    return new StanzaError(condition, `${to} cannot be reached: ${this.#problem?.message ?? 'not connected'}`)
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
