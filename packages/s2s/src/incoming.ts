import { randomBytes } from 'node:crypto'
import { NS, type Stanza } from '@parley/stanza'
import { type Element, el, serialize, type XmlStreamError } from '@parley/xml'
import {
  type Awaitable,
  chain,
  Inlet,
  isPromise,
  type PeerHeader,
  type StreamCondition,
  streamErrorXml,
  type Wire,
  type WireEvents,
} from '@xmpp/server-core'
import { Arrivals, isStanza } from './arrivals.ts'
import { type DialbackResult, type Pair, resultXml, verdictXml } from './dialback.ts'
import type { LinkEvents } from './link.ts'
import { S2S } from './names.ts'
import { PeerError } from './peer-error.ts'
import { prepared } from './prepared.ts'
import { mayCome, type Profile } from './profile.ts'
import { takesCertificates } from './proofs.ts'
import type { Proof, Reception } from './reception.ts'
import { type Judgement, judge, PROOFS, type Voucher } from './trust.ts'
import { limitsOf, maxBytesOf, ReverseWay } from './way.ts'

/** Domains that one stream may be proven for, and keys under way: beyond that nobody means well. */
const DOMAINS = 100
const VERIFYING = 10

/** A stream that another server has opened to us (RFC 6120 §4). Stanzas come in on it, and go out where it wants them to (XEP-0288). */
export class IncomingStream implements WireEvents {
  readonly wire: Wire
  /** Whom the peer wants to speak with. */
  local = ''
  readonly id = randomBytes(16).toString('hex')
  readonly #reception: Reception
  readonly #inlet: Inlet
  readonly #proven = new Map<string, Proof>()
  #state: 'silent' | 'open' | 'closed' = 'silent'
  #remote: string | undefined
  /** Of the domain that has opened the stream: others are asked about its certificate once. */
  #judgement: Judgement | undefined
  #verifying = 0
  #arrivals: Arrivals
  /** The peer takes stanzas on this stream too, once it has proven itself; with its limits. */
  #bidi: { readonly maxBytes: number | undefined } | undefined
  #hasTurned = false
  #way: ReverseWay | undefined

  constructor(reception: Reception, wire: Wire) {
    this.#reception = reception
    this.wire = wire
    const { server } = reception
    this.#arrivals = this.#newArrivals()
    const { allowed } = server.config.federation.limits
    this.#inlet = new Inlet(wire, server.clock, allowed, element => this.#receive(element), {
      overflow: () => this.fail('policy-violation', 'Too much at once'),
      crashed: error => this.#crashed(error),
    })
    wire.limit(server.config.limits.stanzaBytes)
    wire.start(this)
  }

  /** The domains that the peer has proven to be. */
  get domains(): ReadonlyMap<string, Proof> {
    return this.#proven
  }

  /** A stanza of ours, where both directions are used. */
  write(xml: string, name: Stanza['name']): void {
    this.#reception.server.counters.sent.server[name]++
    this.wire.stanza(xml)
  }

  get arrived(): number {
    return this.#arrivals.total
  }

  // ── the wire ──

  opened(header: PeerHeader): void {
    if (this.#state !== 'silent') return
    this.#state = 'open'
    const reception = this.#reception
    // Servers from before XMPP 1.0 name nobody here: dialback does (XEP-0220 §2.2.1).
    const local = header.to === undefined ? reception.server.defaultDomain : prepared(header.to)
    const remote = prepared(header.from)
    const isKnown = local !== undefined && reception.isOurs(local)
    this.local = isKnown ? local : reception.server.defaultDomain
    // A peer that has proven itself does not become another one by a new header.
    this.#remote ??= remote
    this.wire.header({ from: this.local, to: remote, id: this.id, lang: 'en' })
    if (!header.namespacesOk) this.fail('invalid-namespace', 'Not a stream between servers')
    else if (!isKnown) this.fail('host-unknown', 'No such domain here')
    else if (header.from !== undefined && remote === undefined) this.fail('invalid-from', 'Not a domain name')
    else if (remote !== undefined && reception.isOurs(remote)) this.fail('invalid-from', 'That domain is here')
    else if (remote !== undefined && reception.profile(remote).blocked)
      this.fail('policy-violation', 'This domain is not federated with')
    else this.#meet(header.version !== undefined)
  }

  element(element: Element): void {
    if (this.#state === 'open') this.#inlet.take(element)
  }

  closed(): void {
    this.#inlet.last(() => this.#end())
  }

  failed(error: XmlStreamError): void {
    this.fail(error.condition, error.message)
  }

  lost(): void {
    this.#end()
  }

  secured(): void {
    this.#inlet.open()
  }

  fail(condition: StreamCondition, text: string): void {
    if (this.#state === 'closed') return
    if (this.#state === 'silent')
      this.wire.header({ from: this.#reception.server.defaultDomain, to: undefined, id: this.id, lang: 'en' })
    this.wire.error(streamErrorXml(condition, text))
    this.#state = 'open'
    this.#end()
  }

  // ── negotiation ──

  get #profile(): Profile {
    return this.#reception.profile(this.#remote ?? '')
  }

  /** @param hasFeatures RFC 6120 §4.7.5: who says no version knows none */
  #meet(hasFeatures: boolean): void {
    const mayProve = this.wire.tls !== undefined && this.#profile.sasl !== 'off'
    const judged =
      this.#remote === undefined || !mayProve || this.#judgement
        ? this.#judgement
        : this.#reception.vouch(this.wire.tls, this.#remote)
    const met = chain(judged, judgement => {
      this.#judgement = judgement
      if (!hasFeatures || this.#state !== 'open') return
      this.#offer()
      // XEP-0288 §2.2: with SASL the way back begins where the stream begins again.
      if (this.#remote !== undefined) this.#turn({ from: this.#remote, to: this.local })
    })
    if (isPromise(met)) this.#inlet.during(met)
  }

  #offer(): void {
    const { wire } = this
    const { tls, dialback } = this.#profile
    const features: Element[] = []
    const mayStart = wire.canStartTls && tls !== 'off'
    if (mayStart) features.push(el('starttls', NS.tls, null, tls === 'required' && el('required', NS.tls)))
    if (!mayStart || tls !== 'required') {
      if (
        takesCertificates(this.#profile) &&
        this.#remote !== undefined &&
        !this.#proven.has(this.#remote) &&
        this.#shown(this.#remote) !== undefined
      )
        features.push(el('mechanisms', NS.sasl, null, el('mechanism', NS.sasl, null, 'EXTERNAL')))
      if (dialback !== 'off')
        features.push(el('dialback', S2S.dialbackFeature, null, el('errors', S2S.dialbackFeature)))
      if (this.#mayBeBidi) features.push(el('bidi', S2S.bidiFeature))
      features.push(el('sm', S2S.sm))
    }
    features.push(limitsOf(this.#reception.server.config.limits.stanzaBytes))
    wire.features(features.map(feature => serialize(feature)).join(''))
  }

  /** Who vouches for the certificate that was shown being that of the domain (XEP-0178 §3); undefined where nobody does. */
  #shown(domain: string): Voucher | undefined {
    const known = domain === this.#remote ? this.#judgement : undefined
    const judgement = known ?? judge(this.wire.tls, domain)
    return judgement.proven ? judgement.by : undefined
  }

  #receive(element: Element): Awaitable<void> {
    const { name, ns } = element
    if (isStanza(element)) return this.#arrivals.take(element)
    if (ns === NS.tls && name === 'starttls') return this.#starttls()
    if (this.wire.canStartTls && this.#profile.tls === 'required' && ns !== NS.dialback) {
      this.fail('policy-violation', 'TLS comes first')
      return
    }
    if (ns === NS.sasl) return this.#sasl(element)
    if (ns === NS.dialback && name === 'result') return this.#result(element)
    if (ns === NS.dialback && name === 'verify') return this.#verify(element)
    if (ns === S2S.sm) return this.#count(element)
    if (ns === S2S.bidi && name === 'bidi' && this.#mayBeBidi) {
      this.#bidi = { maxBytes: maxBytesOf(element) }
      return
    }
    this.fail('unsupported-stanza-type', 'Not understood here')
  }

  #starttls(): void {
    if (!this.wire.canStartTls || this.#profile.tls === 'off') {
      this.wire.send(serialize(el('failure', NS.tls)))
      this.#end()
      return
    }
    this.#inlet.shut()
    this.#state = 'silent'
    // RFC 6120 §5.4.3.3: what was said in the clear counts no more.
    this.#remote = undefined
    this.#judgement = undefined
    this.#proven.clear()
    this.#arrivals = this.#newArrivals()
    this.#bidi = undefined
    this.#hasTurned = false
    this.#way?.ended(new PeerError('it has begun TLS'))
    this.wire.send(serialize(el('proceed', NS.tls)))
    this.wire.startTls(this.local)
    this.wire.restart()
  }

  /** XEP-0178 §3: the certificate has said it all; what is named must be what it names. */
  #sasl(element: Element): void {
    if (element.name !== 'auth' || element.attrs['mechanism'] !== 'EXTERNAL') {
      this.#refuse('invalid-mechanism')
      return
    }
    const text = element.text().trim()
    const named = text === '' || text === '=' ? this.#remote : prepared(Buffer.from(text, 'base64').toString())
    if (named === undefined || named !== this.#remote) {
      this.#refuse('invalid-authzid')
      return
    }
    const voucher = this.#shown(named)
    // Where stanzas go back already, the stream does not begin again.
    if (!takesCertificates(this.#profile) || this.#proven.has(named) || this.#hasTurned || voucher === undefined) {
      this.#refuse('not-authorized')
      return
    }
    if (!this.#isProven(named, PROOFS[voucher])) return
    this.wire.send(serialize(el('success', NS.sasl)))
    this.#state = 'silent'
    this.wire.restart()
  }

  #refuse(condition: string): void {
    this.wire.send(serialize(el('failure', NS.sasl, null, el(condition, NS.sasl))))
  }

  // ── dialback ──

  /** XEP-0220 §2.2.1: somebody wants to send for a domain. */
  #result(element: Element): void {
    const pair = { from: prepared(element.attrs['from']) ?? '', to: prepared(element.attrs['to']) ?? '' }
    const answer = (result: DialbackResult) =>
      this.wire.send(resultXml({ from: element.attrs['to'] ?? '', to: element.attrs['from'] ?? '' }, result))
    // Unasked answers are no questions (threat 109).
    if (element.attrs['type'] !== undefined) {
      this.fail('invalid-xml', 'Nobody has asked for this result')
      return
    }
    const reception = this.#reception
    if (!reception.isOurs(pair.to)) {
      answer({ type: 'error', condition: 'item-not-found' })
      return
    }
    const profile = reception.profile(pair.from)
    const { tls, dialback, sasl } = profile
    const isOpen = tls === 'required' && this.wire.tls === undefined
    if (pair.from === '' || reception.isOurs(pair.from) || !mayCome(profile) || isOpen) {
      answer({ type: 'error', condition: isOpen ? 'policy-violation' : 'forbidden' })
      return
    }
    // XEP-0220 §2.2.1 allows any method: a certificate that names the domain proves it without asking.
    const voucher = this.#shown(pair.from)
    if (takesCertificates(profile) && voucher !== undefined) {
      if (!this.#isProven(pair.from, PROOFS[voucher])) return
      answer({ type: 'valid' })
      this.#turn(pair)
      return
    }
    if (dialback === 'off' || (sasl === 'required' && !(dialback === 'required' && voucher !== undefined))) {
      answer({ type: 'error', condition: 'policy-violation' })
      return
    }
    if (this.#verifying >= VERIFYING || this.#proven.size >= DOMAINS) {
      answer({ type: 'error', condition: 'resource-constraint' })
      return
    }
    this.#verifying++
    reception
      .verify(pair, this.id, element.text().trim())
      .then(result => this.#verified(pair, result, answer))
      .catch((error: unknown) => this.#crashed(error))
  }

  #verified(pair: Pair, result: DialbackResult, answer: (result: DialbackResult) => void): void {
    this.#verifying--
    if (this.#state !== 'open') return
    if (result.type === 'valid' && !this.#isProven(pair.from, 'dialback')) return
    answer(result)
    this.#turn(pair)
    // XEP-0220 §2.2.1: where nothing else is proven, the stream of somebody who lies is closed.
    if (result.type === 'invalid' && this.#proven.size === 0) this.#end()
  }

  /** XEP-0220 §2.2.2: somebody asks whether a key is ours. */
  #verify(element: Element): void {
    if (element.attrs['type'] !== undefined) {
      this.fail('invalid-xml', 'Nobody has asked for this result')
      return
    }
    const reception = this.#reception
    this.wire.send(verdictXml(element, domain => reception.isOurs(domain), reception.keys))
  }

  #isProven(domain: string, how: Proof): boolean {
    this.#proven.set(domain, how)
    return this.#reception.proven(this, domain, how)
  }

  // ── stanzas ──

  #newArrivals(): Arrivals {
    return new Arrivals({
      reception: this.#reception,
      isProven: domain => this.#proven.has(domain),
      fail: (condition, text) => this.fail(condition, text),
    })
  }

  /** XEP-0288 §2.2: before anything is proven; after TLS, where it is wanted. */
  get #mayBeBidi(): boolean {
    const { tls, bidi } = this.#profile
    const isReady = this.wire.tls !== undefined || tls !== 'required'
    return bidi && isReady && this.#proven.size === 0 && this.#bidi === undefined
  }

  /** The way back begins. @param pair theirs, and ours: the first one that is proven, no other (threat 119) */
  #turn({ from, to }: Pair): void {
    if (!this.#bidi || this.#hasTurned || this.#state !== 'open' || !this.#proven.has(from)) return
    this.#hasTurned = true
    const pair = { from: to, to: from }
    const bidi = this.#bidi
    const begin = (events: LinkEvents) => {
      if (this.#state !== 'open' || this.#bidi !== bidi) return undefined
      this.#way = new ReverseWay({ pair, theirs: this.#proven.get(from) ?? '', ...bidi }, this, events)
      if (this.#arrivals.isCounted) this.#way.count()
      return this.#way
    }
    this.#reception.turned(pair, this.wire, begin).catch((error: unknown) => this.#crashed(error))
  }

  /** XEP-0198 between servers: acknowledgements, and no resumption (threat 120). */
  #count(element: Element): void {
    switch (element.name) {
      case 'enable':
        if (this.#proven.size === 0 || this.#arrivals.isCounted) {
          this.#noCount('unexpected-request')
          return
        }
        this.#arrivals.count()
        this.wire.send(serialize(el('enabled', S2S.sm)))
        this.#way?.count()
        return
      case 'r':
        this.wire.send(this.#arrivals.acknowledgement())
        return
      case 'a':
        this.#way?.acknowledged(Number(element.attrs['h']))
        return
      case 'resume':
        this.#noCount('item-not-found')
        return
      default:
    }
  }

  #noCount(condition: string): void {
    this.wire.send(serialize(el('failed', S2S.sm, null, el(condition, NS.stanzaErrors))))
  }

  #end(): void {
    if (this.#state === 'closed') return
    if (this.#state !== 'silent') this.wire.footer()
    this.#state = 'closed'
    this.#inlet.shut()
    this.wire.end()
    this.#way?.ended(new PeerError('it has closed its stream to us'))
    this.#reception.ended(this)
  }

  #crashed(error: unknown): void {
    this.#reception.server.log.error('a stream of another server could not go on', { remote: this.#remote, error })
    this.fail('internal-server-error', '')
  }
}
