import { randomBytes } from 'node:crypto'
import { Jid, JidError } from '@parley/jid'
import { NS } from '@parley/stanza'
import { type Element, serialize, type XmlStreamError } from '@parley/xml'
import { type Awaitable, chain, isPromise } from '../awaitable.ts'
import type { Host } from '../host.ts'
import type { Server } from '../server.ts'
import type { Session } from '../session.ts'
import { type StreamCondition, streamErrorXml } from './errors.ts'
import { FEATURE_ORDER } from './feature.ts'
import { Inlet } from './inlet.ts'
import { Outflow } from './outflow.ts'
import type { PeerHeader, Wire, WireEvents } from './wire.ts'

/** A peer that has proven nothing gets stanzas of this size and no larger (RFC 6120 §4.9.3.14). */
const LIMIT_BEFORE_LOGIN = 10_000
/** After our `</stream:stream>` the peer has this long to send its own (RFC 6120 §4.4). */
const CLOSE_WAIT = 3000

/** RFC 5646 §2.1, as far as it matters for something that is only repeated. */
const LANGUAGE = /^[A-Za-z0-9-]{1,35}$/
/** RFC 6120 §4.7.5: a major version of one or more, of which we speak the first. */
const VERSION = /^0*[1-9]\d{0,3}\.\d{1,4}$/

const STANZAS: ReadonlySet<string> = new Set(['message', 'presence', 'iq'])

/**
 * A client's stream (RFC 6120 §4): header, features, negotiation, stanzas, errors, close. What is negotiated is declared by
 * modules as stream features; this class keeps their order and the state that they change.
 */
export class ClientStream implements WireEvents {
  readonly server: Server
  readonly wire: Wire
  id = ''
  lang = 'en'
  host: Host | undefined
  /** The `from` of the peer's header, not proven. */
  claimed: Jid | undefined
  /** The bare JID that the peer has proven. */
  account: Jid | undefined
  anonymous = false
  session: Session | undefined
  /** Something came since somebody last set this to false. */
  heard = false
  readonly #inlet: Inlet
  readonly #outflow: Outflow
  #state: 'silent' | 'open' | 'closing' | 'closed' = 'silent'
  #stopWaiting: (() => void) | undefined

  constructor(server: Server, wire: Wire) {
    this.server = server
    this.wire = wire
    this.#inlet = new Inlet(wire, server.clock, server.config.limits.stanzas, element => this.#receive(element), {
      overflow: () => this.fail('policy-violation', 'Too much at once'),
      crashed: error => this.#crashed(error),
    })
    this.#outflow = new Outflow(wire, server.clock, () => this.#cut())
    wire.limit(LIMIT_BEFORE_LOGIN)
    wire.start(this)
  }

  get secure(): boolean {
    return this.wire.tls !== undefined || this.wire.secure
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  /** The largest element that the peer may send now, in bytes. */
  get maxBytes(): number {
    return this.account ? this.server.config.limits.stanzaBytes : LIMIT_BEFORE_LOGIN
  }

  // ── what the wire tells ──

  opened(header: PeerHeader): void {
    if (this.#state === 'closing' || this.#state === 'closed') return
    const problem = this.#accept(header)
    this.#state = 'open'
    this.id = randomBytes(16).toString('base64url')
    this.wire.header({
      from: this.host?.domain ?? this.server.defaultDomain,
      to: this.claimed?.text,
      id: this.id,
      lang: this.lang,
    })
    if (problem) this.fail(...problem)
    const offered = problem ? undefined : this.offerFeatures()
    if (isPromise(offered)) this.#inlet.during(offered)
  }

  element(element: Element): void {
    this.heard = true
    if (this.#state === 'open') this.#inlet.take(element)
  }

  closed(): void {
    // RFC 6120 §4.4: what came before the end is still taken in.
    if (this.#state === 'open') this.#inlet.last(() => this.#closed())
    else this.#closed()
  }

  failed(error: XmlStreamError): void {
    this.fail(error.condition, error.message)
  }

  lost(): void {
    if (this.#state === 'closed') return
    this.#finish()
    this.#end(session => session.lost())
  }

  secured(): void {
    this.#inlet.open()
  }

  // ── what features and sessions do ──

  /** Sends `<stream:features/>` for the state that the stream is in now. */
  offerFeatures(): Awaitable<void> {
    const host = this.host
    if (!host || this.#state !== 'open') return
    const offers: Awaitable<Element | undefined>[] = []
    for (const order of FEATURE_ORDER) {
      for (const feature of host.streamFeatures) {
        if (feature.order === order && feature.advertise) offers.push(feature.advertise(this))
      }
    }
    const send = (elements: readonly (Element | undefined)[]) => {
      this.wire.features(elements.map(element => (element ? serialize(element) : '')).join(''))
    }
    if (offers.some(isPromise)) return Promise.all(offers).then(send)
    send(offers as (Element | undefined)[])
  }

  /** Holds back what the peer sends until `task` is done. */
  during(task: Promise<void>): void {
    this.#inlet.during(task)
  }

  /** Sends an element that is not a stanza. */
  send(element: Element): void {
    if (this.#state === 'open') this.wire.send(serialize(element))
  }

  /** Writes a stanza that has its number already. False: the peer does not read, and the stream has been cut. */
  writeStanza(xml: string): boolean {
    if (this.#state !== 'open') return false
    if (!this.#outflow.stanza(xml)) {
      this.#cut()
      return false
    }
    this.server.counters.sent.client.addXml(xml)
    return true
  }

  /** Calls back when all stanzas so far have been given to the network; never where it does not take them. */
  flushed(done: () => void): void {
    this.#outflow.flushed(done)
  }

  /** The peer has proven to be `account`; nothing of what it said before counts any more (RFC 6120 §6.4.6). */
  authenticated(account: Jid, anonymous = false): void {
    this.account = account
    this.anonymous = anonymous
    this.wire.limit(this.maxBytes)
    this.server.authenticated(this)
  }

  /** A new stream on the same connection (RFC 6120 §4.3.3). */
  restart(): void {
    this.#state = 'silent'
    this.wire.restart()
  }

  startTls(): void {
    this.#inlet.shut()
    this.wire.startTls(this.host?.domain ?? this.server.defaultDomain)
    this.restart()
  }

  /** Gives the stream to a session: what the peer sends from now on is its stanzas. */
  attach(session: Session): void {
    this.session = session
  }

  /** Ends the stream with an error (RFC 6120 §4.9); it can not be repaired. */
  fail(condition: StreamCondition, text = '', extra?: Element): void {
    if (this.#state === 'closing' || this.#state === 'closed') return
    if (this.#state === 'silent') {
      // RFC 6120 §4.9.1.2: an error before our header comes after one.
      this.wire.header({
        from: this.host?.domain ?? this.server.defaultDomain,
        to: undefined,
        id: randomBytes(16).toString('base64url'),
        lang: this.lang,
      })
    }
    this.wire.error(streamErrorXml(condition, text, extra))
    this.#footer()
    this.#finish()
    this.#end(session => session.broken(condition))
  }

  /** Closes in order: our footer, then the peer's, then the connection (RFC 6120 §4.4). */
  close(): void {
    if (this.#state === 'closing' || this.#state === 'closed') return
    this.#footer()
    this.#inlet.shut()
    this.#stopWaiting = this.server.clock.after(CLOSE_WAIT, () => this.lost())
  }

  // ── inside ──

  /** Takes the peer's header in; gives the stream error that it deserves. */
  #accept(header: PeerHeader): [StreamCondition, string] | undefined {
    if (LANGUAGE.test(header.lang ?? '')) this.lang = header.lang!
    if (!header.namespacesOk) return ['invalid-namespace', 'Not a client stream']
    // RFC 6120 §4.7.5: no version means 0.9, which has no features.
    if (!VERSION.test(header.version ?? '')) return ['unsupported-version', 'Only XMPP 1.0 is spoken here']
    if (header.to === undefined) return ['improper-addressing', 'The stream header needs a "to"']
    const host = this.server.hostOf(header.to)
    // The answer to authentication is bound to its host: another one needs another connection.
    if (!host || (this.account && host !== this.host)) return ['host-unknown', 'This domain is not hosted here']
    this.host = host
    return this.#acceptFrom(header.from)
  }

  #acceptFrom(from: string | undefined): [StreamCondition, string] | undefined {
    this.claimed = undefined
    if (from === undefined) return
    try {
      this.claimed = Jid.parse(from)
    } catch (error) {
      if (error instanceof JidError) return ['invalid-from', error.message]
      throw error
    }
    // RFC 6120 §4.9.3.9; XEP-0388 §2.1
    if (this.claimed.domain !== this.host?.domain) return ['invalid-from', 'Not an address of this domain']
    // RFC 6120 §4.7.1: after authentication it must be what was proven.
    if (this.account && !this.claimed.bare.equals(this.account))
      return ['invalid-from', 'Not the authenticated account']
  }

  #receive(element: Element): Awaitable<void> {
    if (this.#state !== 'open') return
    if (element.ns === NS.client && STANZAS.has(element.name)) return this.#stanza(element)
    const feature = this.host?.streamFeatures.find(({ ns, receive }) => ns === element.ns && receive)
    if (feature?.receive) return feature.receive(this, element)
    if (element.ns === NS.streams && element.name === 'error') return this.#closed()
    // RFC 6120 §4.9.3.24
    this.fail('unsupported-stanza-type', 'Not understood here')
  }

  #stanza(stanza: Element): Awaitable<void> {
    if (this.session) return this.session.receive(stanza)
    const features = this.host?.streamFeatures.filter(({ unbound }) => unbound) ?? []
    const next = (index: number): Awaitable<void> => {
      const feature = features[index]
      // RFC 6120 §4.9.3.12, §7.1: what comes before authentication and binding is for these features alone.
      if (!feature?.unbound) {
        return this.fail('not-authorized', this.account ? 'Bind a resource first' : 'Authenticate first')
      }
      return chain(feature.unbound(this, stanza), taken => (taken ? undefined : next(index + 1)))
    }
    return next(0)
  }

  #closed(): void {
    if (this.#state === 'closed') return
    this.#footer()
    this.#finish()
    this.#end(session => session.close())
  }

  #cut(): void {
    this.host?.log.warn('a client does not read: connection cut', { account: this.account?.text })
    this.wire.destroy()
    this.lost()
  }

  #footer(): void {
    if (this.#state === 'open' || this.#state === 'silent') this.wire.footer()
    this.#state = 'closing'
  }

  #finish(): void {
    this.#state = 'closed'
    this.#stopWaiting?.()
    this.#inlet.shut()
    this.#outflow.clear()
    this.wire.end()
    this.server.closed(this)
  }

  #end(how: (session: Session) => Awaitable<void>): void {
    const session = this.session
    this.session = undefined
    if (!session) return
    this.server.finish(session.host, how(session))
  }

  #crashed(error: unknown): void {
    this.server.log.error('a stream could not go on', { account: this.account?.text, error })
    this.fail('internal-server-error')
  }
}
