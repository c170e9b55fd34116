import { NS } from '@parley/stanza'
import { type Element, el, type XmlStreamError } from '@parley/xml'
import { type Clock, type PeerHeader, streamErrorXml, type Wire, type WireEvents } from '@xmpp/server-core'
import { type DialbackKeys, type DialbackResult, type Pair, readResult, resultXml, verifyXml } from './dialback.ts'
import { S2S, WRAP } from './names.ts'
import type { Profile } from './profile.ts'
import { type Judgement, judge } from './trust.ts'

/** Why a stream to another server came to nothing. */
export class PeerError extends Error {
  override readonly name = 'PeerError'
  /** Whether another server of the same domain may do better. */
  readonly elsewhere: boolean
  /** As DnsError has it, where the domain has no server at all. */
  readonly code: 'nodata' | undefined

  constructor(
    message: string,
    { elsewhere = true, code }: { readonly elsewhere?: boolean; readonly code?: 'nodata' } = {},
  ) {
    super(message)
    this.elsewhere = elsewhere
    this.code = code
  }
}

/** What is told while a stream is negotiated, for whoever explains a failure. */
export type Negotiation =
  | { readonly step: 'stream'; readonly id: string; readonly version: string | undefined }
  | { readonly step: 'features'; readonly names: readonly string[] }
  | { readonly step: 'tls'; readonly protocol: string; readonly cipher: string; readonly judgement: Judgement }
  | { readonly step: 'proof'; readonly how: 'certificate' | 'dialback'; readonly result: string }

export interface OutgoingOptions {
  readonly wire: Wire
  readonly clock: Clock
  readonly pair: Pair
  readonly profile: Profile
  readonly keys: DialbackKeys
  /** `stanzas`: to send them; `verify`: only to ask about keys, for which we need not prove ourselves. */
  readonly purpose: 'stanzas' | 'verify'
  readonly observe?: ((step: Negotiation) => void) | undefined
  /** Counts the stanzas of others that are written. */
  readonly written?: (xml: string) => void
  /** The stream has ended; what was written and not confirmed is for the caller to see to. */
  readonly ended: (reason: PeerError) => void
  /** The peer has handled so many stanzas in all since the stream was ready. */
  readonly confirmed?: (count: number) => void
  /** The peer has answered the ping of that id. */
  readonly ponged?: (id: string) => void
}

/** From the connection to readiness, and from a question about a key to its answer (ms). */
const NEGOTIATION = 30_000
/** Mechanisms, errors and the like of a peer that go into our own texts. */
const SAID = 100

/** A stream that we have opened to another server: stanzas of one pair of domains go out on it. */
export class OutgoingStream implements WireEvents {
  readonly wire: Wire
  readonly ready: Promise<void>
  readonly #options: OutgoingOptions
  readonly #stopWatch: () => void
  readonly #verifying = new Map<string, (result: DialbackResult) => void>()
  #settle!: { resolve(): void; reject(error: Error): void }
  #state: 'opening' | 'proving' | 'ready' | 'closed' = 'opening'
  #id = ''
  #features: Element | undefined
  #proof: 'certificate' | 'dialback' | undefined
  #triedExternal = false
  /** Whether the peer acknowledges (XEP-0198); false: it is asked with pings. */
  #counts = false
  #judgement: Judgement | undefined

  constructor(options: OutgoingOptions) {
    this.#options = options
    this.wire = options.wire
    this.ready = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
    })
    // Who only verifies does not wait for it.
    this.ready.catch(() => {})
    this.#stopWatch = options.clock.after(NEGOTIATION, () => this.fail(new PeerError('it did not answer in time')))
    this.wire.start(this)
    if (this.wire.kind !== 'tls') this.#open()
  }

  /** How the peer has proven to be who it should be; undefined before TLS. */
  get judgement(): Judgement | undefined {
    return this.#judgement
  }

  /** How we have proven to be who we are. */
  get proof(): 'certificate' | 'dialback' | undefined {
    return this.#proof
  }

  get acknowledges(): boolean {
    return this.#counts
  }

  write(xml: string): void {
    this.#options.written?.(xml)
    this.wire.stanza(xml)
  }

  /** Asks for an acknowledgement of what was written. */
  ask(pingId: string): void {
    const { from, to } = this.#options.pair
    if (this.#counts) this.wire.send(`<r xmlns="${S2S.sm}"/>`)
    else this.wire.stanza(`<iq type="get" id="${pingId}" from="${from}" to="${to}"><ping xmlns="${S2S.ping}"/></iq>`)
  }

  /** Asks the domain whether a key is its own (XEP-0220 §2.1.2). @param pair as in the request that is to be verified */
  verify(pair: Pair, id: string, key: string): Promise<DialbackResult> {
    return new Promise(resolve => {
      if (this.#state === 'closed') return resolve({ type: 'error', condition: 'remote-connection-failed' })
      const asked = verifyKey(pair, id)
      // Who asks waits for it, and keeps a place for it (threat 116).
      const stop = this.#options.clock.after(NEGOTIATION, () => {
        this.#verifying.delete(asked)
        resolve({ type: 'error', condition: 'remote-server-timeout' })
      })
      this.#verifying.set(asked, result => {
        stop()
        resolve(result)
      })
      this.wire.send(verifyXml({ from: pair.to, to: pair.from }, id, { key }))
    })
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
    this.#observe({ step: 'stream', id: this.#id, version: header.version })
    if (!header.namespacesOk) this.fail(new PeerError('it does not speak server-to-server XMPP'))
    // RFC 6120 §4.7.5: a server from before features knows dialback only.
    else if (header.version === undefined) this.#negotiate(el('features', NS.streams))
  }

  element(element: Element): void {
    if (this.#state === 'closed') return
    const { name, ns } = element
    if (ns === NS.streams && name === 'features') this.#negotiate(element)
    else if (ns === NS.streams && name === 'error') this.fail(new PeerError(`it says ${conditionOf(element)}`))
    else if (ns === NS.tls) this.#tls(name)
    else if (ns === NS.sasl) this.#sasl(element)
    else if (ns === NS.dialback && name === 'result') this.#result(element)
    else if (ns === NS.dialback && name === 'verify') this.#verified(element)
    else if (ns === S2S.sm) this.#acknowledged(element)
    else if (ns === NS.client && name === 'iq') this.#ponged(element)
    // Nothing else may come this way: stanzas have a stream of their own (threats 109, 119).
    else this.fail(new PeerError('it sends what it may not on a stream of ours'))
  }

  closed(): void {
    this.fail(new PeerError('it has closed the stream'))
  }

  failed(error: XmlStreamError): void {
    if (this.#state !== 'closed') this.wire.error(streamErrorXml(error.condition, error.message))
    this.fail(new PeerError(`it sends what is no XMPP: ${error.message}`))
  }

  lost(): void {
    this.fail(new PeerError('the connection is lost'))
  }

  secured(): void {
    if (this.#state === 'closed') return
    const { profile, purpose, pair } = this.#options
    const judgement = judge(this.wire.tls, pair.to)
    this.#judgement = judgement
    const { protocol = '', cipher = '' } = this.wire.tls ?? {}
    this.#observe({ step: 'tls', protocol, cipher, judgement })
    if (!judgement.proven && profile.sasl === 'required' && purpose === 'stanzas') {
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
    this.#observe({ step: 'features', names: features.elements().map(({ name }) => name) })
    const { profile } = this.#options
    const isSecure = this.wire.tls !== undefined
    if (!isSecure && profile.tls !== 'off' && features.child('starttls', NS.tls)) {
      this.wire.send(`<starttls xmlns="${NS.tls}"/>`)
      return
    }
    if (!isSecure && profile.tls === 'required') {
      this.fail(new PeerError('it offers no TLS'))
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
    this.#state = 'proving'
    const mechanisms = this.#features?.child('mechanisms', NS.sasl)
    const offers = mechanisms?.elements().some(mechanism => mechanism.text().trim() === 'EXTERNAL') ?? false
    if (offers && profile.sasl !== 'off' && profile.dialback !== 'required' && !this.#triedExternal) {
      this.#triedExternal = true
      // XEP-0178 §3: the name is said as well, since a certificate may hold several.
      const name = Buffer.from(pair.from).toString('base64')
      this.wire.send(`<auth xmlns="${NS.sasl}" mechanism="EXTERNAL">${name}</auth>`)
    } else if (profile.dialback === 'off') {
      const why = this.#triedExternal ? 'it refuses our certificate' : 'it does not take our certificate'
      this.fail(new PeerError(`${why}, and dialback is off`))
    } else this.wire.send(resultXml(pair, { key: keys.key(pair, this.#id) }))
  }

  #sasl(element: Element): void {
    if (this.#state !== 'proving') return
    const isGood = element.name === 'success'
    this.#observe({ step: 'proof', how: 'certificate', result: isGood ? 'accepted' : conditionOf(element) })
    // XEP-0178 §3: where the certificate is not taken, dialback may be.
    if (!isGood) {
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
    if (this.#state !== 'proving' || element.attrs['from'] !== pair.to || element.attrs['to'] !== pair.from) return
    const result = readResult(element)
    const text = result.type === 'error' ? result.condition : result.type
    this.#observe({ step: 'proof', how: 'dialback', result: text })
    if (result.type !== 'valid') {
      this.fail(new PeerError(`it does not take our proof by dialback: ${text}`, { elsewhere: false }))
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
      this.#begin()
    } else if (element.name === 'a') {
      const h = Number(element.attrs['h'])
      if (Number.isInteger(h) && h >= 0 && h < WRAP) this.#options.confirmed?.(h)
    } else if (element.name === 'r') this.wire.send(`<a xmlns="${S2S.sm}" h="0"/>`)
  }

  /** Servers that take one stream for both directions answer here; the others on their own stream to us. */
  #ponged({ attrs }: Element): void {
    if (attrs['id'] !== undefined) this.#options.ponged?.(attrs['id'])
  }

  #verified(element: Element): void {
    const { from = '', to = '', id = '' } = element.attrs
    const key = verifyKey({ from, to }, id)
    // XEP-0220 §3.1: what nobody has asked is no answer (threat 109).
    this.#verifying.get(key)?.(readResult(element))
    this.#verifying.delete(key)
  }

  #observe(step: Negotiation): void {
    this.#options.observe?.(step)
  }

  #end(reason: PeerError): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#stopWatch()
    this.wire.footer()
    this.wire.end()
    for (const answer of this.#verifying.values()) answer({ type: 'error', condition: 'remote-connection-failed' })
    this.#verifying.clear()
    this.#settle.reject(reason)
    this.#options.ended(reason)
  }
}

function verifyKey({ from, to }: Pair, id: string): string {
  return `${from} ${to} ${id}`
}

/** What an error of a peer says, short enough for a line of ours. */
function conditionOf(error: Element): string {
  const [condition] = error.elements()
  const text = error
    .elements()
    .find(({ name }) => name === 'text')
    ?.text()
  return `${condition?.name ?? error.name}${text ? `: ${text}` : ''}`.slice(0, SAID)
}
