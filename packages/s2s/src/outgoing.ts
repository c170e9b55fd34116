import { NS, type Stanza } from '@parley/stanza'
import { type Element, el, type XmlStreamError } from '@parley/xml'
import {
  type Awaitable,
  chain,
  Inlet,
  type PeerHeader,
  type StreamCondition,
  streamErrorXml,
  type Wire,
  type WireEvents,
} from '@xmpp/server-core'
import { Arrivals, isStanza } from './arrivals.ts'
import { type DialbackResult, type Pair, readResult, resultXml, verdictXml, verifyXml } from './dialback.ts'
import { S2S, WRAP } from './names.ts'
import type { Negotiation, OutgoingOptions } from './negotiation.ts'
import { PeerError, REACHED, type Reached } from './peer-error.ts'
import { mayCome } from './profile.ts'
import { Questions } from './questions.ts'
import { inWords, type Judgement } from './trust.ts'
import { bidiXml, maxBytesOf, pingXml, type Way } from './way.ts'
import { conditionOf, verdictOf } from './words.ts'

/** From the connection to readiness (ms). */
const NEGOTIATION = 30_000

/** A stream that we have opened to another server: stanzas of one pair of domains go out on it, and come where it is wanted (XEP-0288). */
export class OutgoingStream implements WireEvents, Way {
  readonly isBorrowed = false
  isBidi = false
  maxBytes: number | undefined
  readonly wire: Wire
  readonly ready: Promise<void>
  readonly #options: OutgoingOptions
  readonly #stopWatch: () => void
  readonly #questions: Questions
  #settle!: { resolve(): void; reject(error: Error): void }
  #state: 'opening' | 'proving' | 'ready' | 'closed' = 'opening'
  #id = ''
  #features: Element | undefined
  #proof: 'certificate' | 'dialback' | undefined
  #triedExternal = false
  /** What the peer had against our certificate. */
  #refusal: string | undefined
  /** Whether the peer acknowledges (XEP-0198); false: it is asked with pings. */
  #counts = false
  #reached: Reached = REACHED.connection
  /** What the peer is to say next, for whoever is told that it does not. */
  #awaited = 'it says nothing: no stream header'
  #judgement: Judgement | undefined
  readonly #arrivals: Arrivals
  readonly #inlet: Inlet

  constructor(options: OutgoingOptions) {
    this.#options = options
    this.wire = options.wire
    this.ready = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
    })
    // Who only verifies does not wait for it.
    this.ready.catch(() => {})
    this.#stopWatch = options.clock.after(NEGOTIATION, () =>
      this.fail(new PeerError(`it did not answer in time: ${this.#awaited}`)),
    )
    const { reception, pair, wire, clock } = options
    this.#questions = new Questions(clock)
    this.#arrivals = new Arrivals({
      reception,
      isProven: (from, to) => from === pair.to && to === pair.from,
      fail: (condition, text) => this.#refuse(condition, text),
    })
    this.#inlet = new Inlet(
      wire,
      clock,
      reception.server.config.federation.limits.allowed,
      element => this.#receive(element),
      {
        overflow: () => this.#refuse('policy-violation', 'Too much at once'),
        crashed: error => this.#crashed(error),
      },
    )
    wire.limit(reception.server.config.limits.stanzaBytes)
    this.wire.start(this)
    if (this.wire.kind !== 'tls') this.#open()
  }

  get theirs(): string {
    return inWords(this.#judgement)
  }

  get arrived(): number {
    return this.#arrivals.total
  }

  /** How we have proven to be who we are. */
  get proof(): 'certificate' | 'dialback' | undefined {
    return this.#proof
  }

  get acknowledges(): boolean {
    return this.#counts
  }

  write(xml: string, name: Stanza['name']): void {
    this.#options.reception.server.counters.sent.server[name]++
    this.wire.stanza(xml)
  }

  /** Asks for an acknowledgement of what was written. */
  ask(pingId: string): void {
    if (this.#counts) this.wire.send(`<r xmlns="${S2S.sm}"/>`)
    else this.wire.stanza(pingXml(this.#options.pair, pingId))
  }

  /** Asks the domain whether a key is its own (XEP-0220 §2.1.2). @param pair as in the request that is to be verified */
  verify(pair: Pair, id: string, key: string): Promise<DialbackResult> {
    if (this.#state === 'closed') return Promise.resolve({ type: 'error', condition: 'remote-connection-failed' })
    this.wire.send(verifyXml({ from: pair.to, to: pair.from }, id, { key }))
    return this.#questions.ask(pair, id)
  }

  close(): void {
    this.#end(new PeerError('closed'))
  }

  fail(reason: PeerError): void {
    this.#end(reason)
  }

  // ── the wire ──

  opened(header: PeerHeader): void {
    if (this.#state === 'closed') return
    this.#id = header.id ?? ''
    this.#advance(REACHED.stream, 'its stream has no features')
    this.#observe({ step: 'stream', id: this.#id, version: header.version })
    if (!header.namespacesOk) this.fail(new PeerError('it does not speak server-to-server XMPP'))
    // RFC 6120 §4.7.5: a server from before features knows dialback only.
    else if (header.version === undefined) this.#negotiate(el('features', NS.streams))
  }

  element(element: Element): void {
    if (this.#state !== 'closed') this.#inlet.take(element)
  }

  #receive(element: Element): Awaitable<void> {
    if (this.#state === 'closed') return
    const { name, ns } = element
    if (ns === NS.streams && name === 'features') this.#negotiate(element)
    else if (ns === NS.streams && name === 'error') this.#told(conditionOf(element))
    else if (ns === NS.tls) this.#tls(name)
    else if (ns === NS.sasl) this.#sasl(element)
    else if (ns === NS.dialback && name === 'result') this.#result(element)
    else if (ns === NS.dialback && name === 'verify') this.#verify(element)
    else if (ns === S2S.sm) this.#acknowledged(element)
    // Before we have proven ourselves nobody was asked to speak for both sides.
    else if (this.isBidi && this.#proof !== undefined && isStanza(element)) return this.#arrivals.take(element)
    // An answer to a ping, of a server that uses both directions unasked.
    else if (ns === NS.client && name === 'iq') this.#options.ponged?.(element.attrs['id'] ?? '')
    // Nothing else may come this way: stanzas have a stream of their own (threats 109, 119).
    else this.fail(new PeerError('it sends what it may not on a stream of ours'))
  }

  closed(): void {
    this.#inlet.last(() => this.fail(this.#unwanted('it has closed the stream')))
  }

  failed(error: XmlStreamError): void {
    if (this.#state !== 'closed') this.wire.error(streamErrorXml(error.condition, error.message))
    this.fail(new PeerError(`it sends what is no XMPP: ${error.message}`))
  }

  lost(): void {
    this.fail(this.#unwanted('the connection is lost'))
  }

  secured(): void {
    if (this.#state === 'closed') return
    this.#advance(REACHED.tls, 'nobody says whether its certificate is good')
    // It says nothing before it has our header, so nothing is missed meanwhile.
    void chain(this.#options.vouch(this.wire.tls), judgement => this.#judged(judgement))
  }

  #judged(judgement: Judgement): void {
    if (this.#state === 'closed') return
    const { profile, purpose } = this.#options
    this.#judgement = judgement
    const { protocol = '', cipher = '' } = this.wire.tls ?? {}
    this.#observe({ step: 'tls', protocol, cipher, judgement })
    this.#advance(REACHED.tls, 'it opens no stream after TLS')
    const mustBeProven = profile.sasl === 'required' && purpose === 'stanzas'
    if (!judgement.proven && (judgement.isDenied || mustBeProven)) {
      this.fail(new PeerError(judgement.why))
      return
    }
    this.wire.restart()
    this.#open()
  }

  // ── negotiation ──

  #open(): void {
    const { from, to } = this.#options.pair
    this.wire.header({ from, to, lang: 'en' })
  }

  #negotiate(features: Element): void {
    if (this.#state === 'ready') return
    this.#features = features
    this.maxBytes = maxBytesOf(features)
    this.#observe({ step: 'features', names: features.elements().map(({ name }) => name) })
    const { profile } = this.#options
    const isSecure = this.wire.tls !== undefined
    if (!isSecure && profile.tls !== 'off' && features.child('starttls', NS.tls)) {
      this.wire.send(`<starttls xmlns="${NS.tls}"/>`)
      this.#advance(REACHED.stream, 'the TLS handshake does not end')
      return
    }
    if (!isSecure && profile.tls === 'required') {
      this.fail(new PeerError('it offers no TLS, which is required'))
      return
    }
    this.#prove()
  }

  #tls(name: string): void {
    if (name !== 'proceed' || !this.wire.canStartTls) {
      this.fail(new PeerError('it refuses TLS'))
      return
    }
    this.wire.startTls(this.#options.pair.to)
  }

  /** By certificate where the peer takes one, else by dialback. */
  #prove(): void {
    const { profile, pair, purpose, keys } = this.#options
    if (this.#proof !== undefined || purpose === 'verify') {
      this.#finish()
      return
    }
    this.#askForBoth()
    this.#state = 'proving'
    this.#advance(REACHED.proof, 'it does not say whether it takes our certificate')
    const mechanisms = this.#features?.child('mechanisms', NS.sasl)
    const offers = mechanisms?.elements().some(mechanism => mechanism.text().trim() === 'EXTERNAL') ?? false
    if (offers && profile.sasl !== 'off' && profile.dialback !== 'required' && !this.#triedExternal) {
      this.#triedExternal = true
      // XEP-0178 §3: the name is said as well, since a certificate may hold several.
      const name = Buffer.from(pair.from).toString('base64')
      this.wire.send(`<auth xmlns="${NS.sasl}" mechanism="EXTERNAL">${name}</auth>`)
    } else if (profile.dialback === 'off') {
      const why = this.#triedExternal ? 'it refuses our certificate' : 'it does not take our certificate'
      this.fail(new PeerError(`${why}, and dialback is off here`))
    } else {
      this.#advance(REACHED.proof, `it does not say whether our key is good: it may not reach a server of ${pair.from}`)
      this.wire.send(resultXml(pair, { key: keys.key(pair, this.#id) }))
    }
  }

  /**
   * XEP-0288 §2.2: before we prove ourselves. Who answers on this stream is believed as far as the certificate says, or else as far as
   * dialback would: DNS has led us there (XEP-0220 §2.1.2).
   */
  #askForBoth(): void {
    const { profile, reception } = this.#options
    const isBelieved = this.#judgement?.proven || profile.dialback !== 'off'
    if (
      this.isBidi ||
      !profile.bidi ||
      !mayCome(profile) ||
      !isBelieved ||
      !this.#features?.child('bidi', S2S.bidiFeature)
    )
      return
    this.isBidi = true
    this.wire.send(bidiXml(reception.server.config.limits.stanzaBytes))
  }

  #sasl(element: Element): void {
    if (this.#state !== 'proving') return
    const isGood = element.name === 'success'
    this.#observe({ step: 'proof', how: 'certificate', result: isGood ? 'accepted' : conditionOf(element) })
    // XEP-0178 §3: where the certificate is not taken, dialback may be.
    if (!isGood) {
      this.#refusal = conditionOf(element)
      this.#prove()
      return
    }
    this.#proof = 'certificate'
    this.#state = 'opening'
    this.wire.restart()
    this.#open()
  }

  #result(element: Element): void {
    const { pair } = this.#options
    if (this.isBidi && element.attrs['type'] === undefined) {
      // XEP-0288 §2.2: it may try to prove more domains here, and has to have streams of its own for them (XEP-0220 §2.4.2).
      const { from = '', to = '' } = element.attrs
      this.wire.send(resultXml({ from: to, to: from }, { type: 'error', condition: 'policy-violation' }))
      return
    }
    if (this.#state !== 'proving' || element.attrs['from'] !== pair.to || element.attrs['to'] !== pair.from) return
    const result = readResult(element)
    const text = result.type === 'error' ? result.condition : result.type
    this.#observe({ step: 'proof', how: 'dialback', result: text })
    if (result.type !== 'valid') {
      this.fail(
        new PeerError(`it does not take our proof by dialback: ${verdictOf(result, pair)}`, { elsewhere: false }),
      )
      return
    }
    this.#proof = 'dialback'
    this.#finish()
  }

  #finish(): void {
    if (this.#options.purpose === 'verify') {
      this.#begin()
      return
    }
    if (this.#features?.child('sm', S2S.sm)) this.wire.send(`<enable xmlns="${S2S.sm}"/>`)
    else this.#begin()
  }

  #begin(): void {
    this.#state = 'ready'
    this.#stopWatch()
    this.#settle.resolve()
  }

  // ── acknowledgements ──

  #acknowledged(element: Element): void {
    if (element.name === 'enabled' || element.name === 'failed') {
      if (this.#state === 'ready') return
      this.#counts = element.name === 'enabled'
      if (this.#counts) this.#arrivals.count()
      this.#begin()
    } else if (element.name === 'a') {
      const h = Number(element.attrs['h'])
      if (Number.isInteger(h) && h >= 0 && h < WRAP) this.#options.confirmed?.(h)
    } else if (element.name === 'r') this.wire.send(this.#arrivals.acknowledgement())
  }

  #verify(element: Element): void {
    const { reception, keys } = this.#options
    if (element.attrs['type'] !== undefined) this.#questions.answered(element)
    // XEP-0288 §2.2: on a stream for both directions a peer may ask as well.
    else if (this.isBidi) this.wire.send(verdictXml(element, domain => reception.isOurs(domain), keys))
  }

  /** RFC 6120 §4.9: a stream error. That of a server without dialback says that our key was nothing to it. */
  #told(error: string): void {
    const why = `it says ${error}`
    this.fail(error.startsWith('unsupported-stanza-type') ? this.#unwanted(why) : new PeerError(why))
  }

  /** Who ends the stream when it is asked for dialback has none, or wants none with us. */
  #unwanted(why: string): PeerError {
    if (this.#state !== 'proving') return new PeerError(why)
    const refusal = this.#refusal === undefined ? '' : ` (${this.#refusal})`
    return new PeerError(`it takes neither our certificate${refusal} nor dialback: ${why}`)
  }

  #advance(reached: Reached, awaited: string): void {
    this.#reached = reached
    this.#awaited = awaited
  }

  #observe(step: Negotiation): void {
    this.#options.observe?.(step)
  }

  #refuse(condition: StreamCondition, text: string): void {
    if (this.#state !== 'closed') this.wire.error(streamErrorXml(condition, text))
    this.fail(new PeerError(`it sends what it may not: ${text}`))
  }

  #crashed(error: unknown): void {
    this.#options.reception.server.log.error('a stream to another server could not go on', { error })
    this.#refuse('internal-server-error', '')
  }

  #end(reason: PeerError): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    reason.reached = this.#reached
    this.#inlet.shut()
    this.#stopWatch()
    this.wire.footer()
    this.wire.end()
    this.#questions.end()
    this.#settle.reject(reason)
    this.#options.ended(reason)
  }
}
