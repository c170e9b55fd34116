import { randomBytes } from 'node:crypto'
import { Jid } from '@parley/jid'
import { NS } from '@parley/stanza'
import { type Element, el, serialize, type XmlStreamError } from '@parley/xml'
import {
  type Awaitable,
  chain,
  Inlet,
  type PeerHeader,
  type Server,
  type StreamCondition,
  streamErrorXml,
  type Wire,
  type WireEvents,
} from '@xmpp/server-core'
import type { Border } from './border.ts'
import { type DialbackKeys, type DialbackResult, type Pair, resultXml, verifyXml } from './dialback.ts'
import { S2S, WRAP } from './names.ts'
import { prepared } from './prepared.ts'
import { mayCome, type Profile } from './profile.ts'
import { takesCertificates } from './proofs.ts'
import { takeStanza } from './take.ts'
import { judge } from './trust.ts'
import { PING_ID } from './unconfirmed.ts'

/** What the federation does for a stream that a peer has opened. */
export interface Reception {
  readonly server: Server
  readonly keys: DialbackKeys
  /** Whether a domain is one of ours: a host, a service or a component. */
  isOurs(domain: string): boolean
  profile(domain: string): Profile
  readonly border: Pick<Border, 'enter' | 'pace' | 'blocklists'>
  /** Asks the domain itself whether a key is its own (XEP-0220 §2.1.2). */
  verify(pair: Pair, id: string, key: string): Promise<DialbackResult>
  /** Another domain has been proven on this stream. False: it has too many, and the stream is over. */
  proven(stream: IncomingStream, domain: string, how: Proof): boolean
  /** The peer has answered a ping behind the stanzas of our stream to it. @param pair ours, and theirs */
  ponged(pair: Pair, id: string): void
  ended(stream: IncomingStream): void
}

/** How a peer has proven its domain. */
export type Proof = 'certificate' | 'dialback'

const STANZAS: ReadonlySet<string> = new Set(['message', 'presence', 'iq'])
/** Domains that one stream may be proven for, and keys under way: beyond that nobody means well. */
const DOMAINS = 100
const VERIFYING = 10
/** A stream that another server has opened to us (RFC 6120 §4). Stanzas come in on it; nothing but answers goes out. */
export class IncomingStream implements WireEvents {
  readonly wire: Wire
  readonly id = randomBytes(16).toString('hex')
  readonly #reception: Reception
  readonly #inlet: Inlet
  readonly #proven = new Map<string, Proof>()
  #state: 'silent' | 'open' | 'closed' = 'silent'
  #local = ''
  #remote: string | undefined
  #verifying = 0
  /** XEP-0198: stanzas handled since the peer asked to count; undefined before. */
  #handled: number | undefined

  constructor(reception: Reception, wire: Wire) {
    this.#reception = reception
    this.wire = wire
    const { server } = reception
    this.#inlet = new Inlet(
      wire,
      server.clock,
      server.config.federation.limits.allowed,
      element => this.#receive(element),
      {
        overflow: () => this.fail('policy-violation', 'Too much at once'),
        crashed: error => this.#crashed(error),
      },
    )
    wire.limit(server.config.limits.stanzaBytes)
    wire.start(this)
  }

  get local(): string {
    return this.#local
  }

  /** The domains that the peer has proven to be. */
  get domains(): ReadonlyMap<string, Proof> {
    return this.#proven
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
    this.#local = isKnown ? local : reception.server.defaultDomain
    // A peer that has proven itself does not become another one by a new header.
    this.#remote ??= remote
    this.wire.header({ from: this.#local, to: remote, id: this.id, lang: 'en' })
    if (!header.namespacesOk) this.fail('invalid-namespace', 'Not a stream between servers')
    else if (!isKnown) this.fail('host-unknown', 'No such domain here')
    else if (header.from !== undefined && remote === undefined) this.fail('invalid-from', 'Not a domain name')
    else if (remote !== undefined && reception.isOurs(remote)) this.fail('invalid-from', 'That domain is here')
    else if (remote !== undefined && reception.profile(remote).blocked)
      this.fail('policy-violation', 'This domain is not federated with')
    // RFC 6120 §4.7.5: who says no version knows no features.
    else if (header.version !== undefined) this.#offer()
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
        this.#isShown(this.#remote)
      )
        features.push(el('mechanisms', NS.sasl, null, el('mechanism', NS.sasl, null, 'EXTERNAL')))
      if (dialback !== 'off')
        features.push(el('dialback', S2S.dialbackFeature, null, el('errors', S2S.dialbackFeature)))
      features.push(el('sm', S2S.sm))
    }
    const { stanzaBytes } = this.#reception.server.config.limits
    features.push(el('limits', S2S.limits, null, el('max-bytes', S2S.limits, null, stanzaBytes)))
    wire.features(features.map(feature => serialize(feature)).join(''))
  }

  /** Whether the certificate that was shown is that of the domain (XEP-0178 §3). */
  #isShown(domain: string): boolean {
    return judge(this.wire.tls, domain).proven
  }

  #receive(element: Element): Awaitable<void> {
    const { name, ns } = element
    if (ns === NS.client && STANZAS.has(name)) return this.#stanza(element)
    if (ns === NS.tls && name === 'starttls') return this.#starttls()
    if (this.wire.canStartTls && this.#profile.tls === 'required' && ns !== NS.dialback) {
      this.fail('policy-violation', 'TLS comes first')
      return
    }
    if (ns === NS.sasl) return this.#sasl(element)
    if (ns === NS.dialback && name === 'result') return this.#result(element)
    if (ns === NS.dialback && name === 'verify') return this.#verify(element)
    if (ns === S2S.sm) return this.#count(element)
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
    this.#proven.clear()
    this.#handled = undefined
    this.wire.send(serialize(el('proceed', NS.tls)))
    this.wire.startTls(this.#local)
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
    if (!takesCertificates(this.#profile) || this.#proven.has(named) || !this.#isShown(named)) {
      this.#refuse('not-authorized')
      return
    }
    if (!this.#isProven(named, 'certificate')) return
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
    if (takesCertificates(profile) && this.#isShown(pair.from)) {
      if (this.#isProven(pair.from, 'certificate')) answer({ type: 'valid' })
      return
    }
    if (dialback === 'off' || (sasl === 'required' && !(dialback === 'required' && this.#isShown(pair.from)))) {
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
    // XEP-0220 §2.2.1: where nothing else is proven, the stream of somebody who lies is closed.
    if (result.type === 'invalid' && this.#proven.size === 0) this.#end()
  }

  /** XEP-0220 §2.2.2: somebody asks whether a key is ours. */
  #verify(element: Element): void {
    const { from = '', to = '', id = '', type } = element.attrs
    if (type !== undefined) {
      this.fail('invalid-xml', 'Nobody has asked for this result')
      return
    }
    const pair = { from: prepared(to) ?? '', to: prepared(from) ?? '' }
    const answer = (result: DialbackResult) => this.wire.send(verifyXml({ from: to, to: from }, id, result))
    if (!this.#reception.isOurs(pair.from)) {
      answer({ type: 'error', condition: 'item-not-found' })
      return
    }
    const matches = this.#reception.keys.matches(element.text().trim(), pair, id)
    answer({ type: matches ? 'valid' : 'invalid' })
  }

  #isProven(domain: string, how: Proof): boolean {
    this.#proven.set(domain, how)
    return this.#reception.proven(this, domain, how)
  }

  // ── stanzas ──

  #stanza(element: Element): Awaitable<void> {
    const { from, to } = element.attrs
    const sender = from === undefined ? undefined : Jid.tryParse(from)
    const target = to === undefined ? undefined : Jid.tryParse(to)
    // RFC 6120 §8.1.1.2, §8.1.2.2.
    if (!sender || !target) {
      this.fail('improper-addressing', 'A stanza between servers needs "from" and "to"')
      return
    }
    if (!this.#proven.has(sender.domain)) {
      this.fail('invalid-from', `Nobody has proven to be ${sender.domain}`)
      return
    }
    if (!this.#reception.isOurs(target.domain)) {
      this.fail('host-unknown', `${target.domain} is not here`)
      return
    }
    const { type, id } = element.attrs
    if (element.name === 'iq' && (type === 'result' || type === 'error') && id?.startsWith(PING_ID)) {
      this.#reception.ponged({ from: target.domain, to: sender.domain }, id)
      if (this.#handled !== undefined) this.#handled++
      return
    }
    return chain(takeStanza(this.#reception, element, sender, target), () => {
      if (this.#handled !== undefined) this.#handled++
      return this.#reception.border.pace(sender.domain)
    })
  }

  /** XEP-0198 between servers: acknowledgements, and no resumption (threat 120). */
  #count(element: Element): void {
    switch (element.name) {
      case 'enable':
        if (this.#proven.size === 0 || this.#handled !== undefined) {
          this.#noCount('unexpected-request')
          return
        }
        this.#handled = 0
        this.wire.send(serialize(el('enabled', S2S.sm)))
        return
      case 'r':
        if (this.#handled !== undefined) this.wire.send(serialize(el('a', S2S.sm, { h: this.#handled % WRAP })))
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
    this.#reception.ended(this)
  }

  #crashed(error: unknown): void {
    this.#reception.server.log.error('a stream of another server could not go on', { remote: this.#remote, error })
    this.fail('internal-server-error', '')
  }
}
