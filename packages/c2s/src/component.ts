import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { Jid } from '@parley/jid'
import { NS, readStanza, refusalOf, type Stanza, StanzaError } from '@parley/stanza'
import { type Element, el, serialize, type XmlStreamError } from '@parley/xml'
import {
  type Awaitable,
  Inlet,
  type PeerHeader,
  type Server,
  type StreamCondition,
  streamErrorXml,
  type Wire,
  type WireEvents,
} from '@xmpp/server-core'

/** Bytes that a component may leave unread; what comes then goes back to its sender. */
const BACKLOG = 4_194_304
const STANZAS: ReadonlySet<string> = new Set(['message', 'presence', 'iq'])

/** What the listener knows of all components. */
export interface ComponentDirectory {
  secret(domain: string): string | undefined
  /** False: the domain has a component already. */
  connect(domain: string, component: ComponentStream): boolean
  disconnected(component: ComponentStream): void
}

/** The stream of an external component (XEP-0114). */
export class ComponentStream implements WireEvents {
  readonly #server: Server
  readonly #directory: ComponentDirectory
  readonly #wire: Wire
  readonly #inlet: Inlet
  #id = ''
  #state: 'silent' | 'open' | 'ready' | 'closed' = 'silent'
  domain: string | undefined

  constructor(server: Server, directory: ComponentDirectory, wire: Wire) {
    this.#server = server
    this.#directory = directory
    this.#wire = wire
    // A component speaks for many users: it is slowed down by what its stanzas cost, not by a rate.
    this.#inlet = new Inlet(wire, server.clock, 0, element => this.#receive(element), {
      overflow: () => this.fail('policy-violation', 'Too much at once'),
      crashed: error => this.#crashed(error),
    })
    wire.limit(server.config.limits.stanzaBytes)
    wire.start(this)
  }

  get ready(): boolean {
    return this.#state === 'ready'
  }

  opened(header: PeerHeader): void {
    if (this.#state !== 'silent') return
    this.#state = 'open'
    this.#id = randomBytes(16).toString('base64url')
    const domain = domainOf(header.to)
    this.#wire.header({ from: domain ?? this.#server.defaultDomain, to: undefined, id: this.#id, lang: 'en' })
    if (!header.namespacesOk) this.fail('invalid-namespace', 'Not a component stream')
    else if (domain === undefined || this.#directory.secret(domain) === undefined) {
      this.fail('host-unknown', 'No component of this name is configured')
    } else this.domain = domain
  }

  element(element: Element): void {
    if (this.#state === 'open' || this.#state === 'ready') this.#inlet.take(element)
  }

  /** Hands a stanza to the component. @throws StanzaError where it does not keep up */
  deliver(stanza: Stanza): void {
    if (this.#wire.backlog > BACKLOG) {
      throw new StanzaError('resource-constraint', 'The service does not keep up', { type: 'wait' })
    }
    this.#wire.stanza(stanza.toXml())
    this.#server.counters.sent.component[stanza.name]++
  }

  closed(): void {
    this.#end()
  }

  failed(error: XmlStreamError): void {
    this.fail(error.condition, error.message)
  }

  lost(): void {
    this.#end()
  }

  secured(): void {}

  fail(condition: StreamCondition, text: string): void {
    if (this.#state === 'closed') return
    if (this.#state === 'silent')
      this.#wire.header({ from: this.#server.defaultDomain, to: undefined, id: '0', lang: 'en' })
    this.#wire.error(streamErrorXml(condition, text))
    this.#end()
  }

  #receive(element: Element): Awaitable<void> {
    if (this.#state === 'open') return this.#handshake(element)
    if (this.#state === 'ready' && element.ns === NS.client && STANZAS.has(element.name)) return this.#route(element)
    this.fail('unsupported-stanza-type', 'Not understood here')
  }

  #handshake(element: Element): void {
    const { domain } = this
    const secret = domain === undefined ? undefined : this.#directory.secret(domain)
    if (domain === undefined || secret === undefined) return
    // XEP-0114 §3: SHA-1 over the stream id and the secret, in lower-case hexadecimal digits.
    const expected = createHash('sha1').update(`${this.#id}${secret}`).digest('hex')
    const given = element.is('handshake', NS.client) ? element.text().trim() : ''
    if (!sameText(given, expected)) this.fail('not-authorized', 'Wrong handshake')
    else if (!this.#directory.connect(domain, this)) this.fail('conflict', 'The component is connected already')
    else {
      this.#state = 'ready'
      this.#wire.send(serialize(el('handshake', NS.component), NS.component))
    }
  }

  #route(element: Element): Awaitable<void> {
    this.#server.counters.received.component[element.name as Stanza['name']]++
    const { from, to } = element.attrs
    if (from === undefined || to === undefined) {
      this.fail('improper-addressing', 'A stanza of a component needs "from" and "to"')
      return
    }
    const sender = Jid.tryParse(from)
    // Compared as prepared domains, whole: neither a suffix nor another spelling of the domain passes.
    if (sender?.domain !== this.domain || sender === undefined) {
      this.fail('invalid-from', 'Not an address of this component')
      return
    }
    try {
      return this.#server.router.route(readStanza(element, sender))
    } catch (error) {
      if (!(error instanceof StanzaError)) throw error
      this.#refuse(element, sender, error)
    }
  }

  #refuse(element: Element, sender: Jid, error: StanzaError): void {
    const { type, id } = element.attrs
    if (type === 'error' || type === 'result') return
    const answer = refusalOf(element.name, { id, from: this.#server.hosts[0]?.jid, to: sender }, error)
    if (this.ready) this.#wire.stanza(answer.toXml())
  }

  #end(): void {
    if (this.#state === 'closed') return
    if (this.#state !== 'silent') this.#wire.footer()
    this.#state = 'closed'
    this.#inlet.shut()
    this.#wire.end()
    this.#directory.disconnected(this)
  }

  #crashed(error: unknown): void {
    this.#server.log.error('a component stream could not go on', { component: this.domain, error })
    this.fail('internal-server-error', '')
  }
}

function sameText(given: string, expected: string): boolean {
  const a = Buffer.from(given)
  const b = Buffer.from(expected)
  return a.length === b.length && timingSafeEqual(a, b)
}

function domainOf(text: string | undefined): string | undefined {
  const jid = text === undefined ? undefined : Jid.tryParse(text)
  return jid?.local === '' && jid.isBare ? jid.domain : undefined
}
