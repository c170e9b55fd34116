import type { Socket } from 'node:net'
import {
  type ConnectFailure,
  type Connection,
  type ConnectRules,
  connectTo,
  NO_ADDRESSES,
  type Resolver,
  type Target,
  type Targets,
  type TlsaRecord,
} from '@parley/net'
import { NS, type Stanza, StanzaError } from '@parley/stanza'
import { type Certificates, type Handshakes, Stalls, TcpWire, TlsCaller, TlsDoor } from '@parley/wire'
import { type Awaitable, networkOf, type Server, type TlsInfo, type Wire } from '@xmpp/server-core'
import type { Blocklists } from './blocklists.ts'
import { Border } from './border.ts'
import { DialbackKeys, type DialbackResult, type Pair } from './dialback.ts'
import type { Step } from './explain.ts'
import { federationFamilies } from './families.ts'
import { IncomingStream } from './incoming.ts'
import type { Link, LinkEvents } from './link.ts'
import { Links } from './links.ts'
import { Openings } from './openings.ts'
import { OutgoingStream } from './outgoing.ts'
import { blockedBy, type Partners } from './partners.ts'
import { PeerError } from './peer-error.ts'
import { mayCome, mayGo, type Profile } from './profile.ts'
import type { Proof, Reception } from './reception.ts'
import { Traffic } from './traffic.ts'
import type { Judgement } from './trust.ts'
import type { Vouchers } from './vouchers.ts'
import type { ReverseWay } from './way.ts'

export interface FederationParts {
  readonly server: Server
  readonly certificates: Certificates
  readonly resolver: Resolver
  readonly rules: ConnectRules
  /** Shared by all nodes: at least 256 random bits. */
  readonly secret: Buffer
  readonly partners: Partners
  readonly vouchers: Vouchers
  readonly blocklists: Blocklists
}

/** What nodes tell each other when a peer has answered a ping that another one has sent. */
const PONG = 's2s-pong'
const UNHEARD: LinkEvents = { ended: () => {}, confirmed: () => {}, ponged: () => {} }
/** From the connection of a peer to its first proof (ms). */
const NEGOTIATION = 60_000

/** Streams with other servers, both ways. */
export class Federation implements Reception {
  readonly server: Server
  readonly keys: DialbackKeys
  readonly partners: Partners
  readonly border: Border
  readonly traffic = new Traffic()
  readonly #parts: FederationParts
  readonly #stalls: Stalls
  readonly #doors: { readonly starttls: TlsDoor; readonly direct: TlsDoor }
  readonly #incoming = new Map<IncomingStream, () => void>()
  readonly #links: Links
  /** What others make us open keeps nobody here waiting. */
  readonly #openings: Readonly<Record<Opening['purpose'], Openings>>

  constructor(parts: FederationParts) {
    const { server, certificates, secret } = parts
    this.server = server
    this.#parts = parts
    this.partners = parts.partners
    this.border = new Border(server, parts.partners, parts.blocklists)
    this.keys = new DialbackKeys(secret)
    this.#stalls = new Stalls(server.clock)
    this.#openings = { stanzas: new Openings(server.clock), verify: new Openings(server.clock) }
    const protocol = 'xmpp-server'
    this.#doors = {
      starttls: new TlsDoor(certificates, { direct: false, protocol }),
      direct: new TlsDoor(certificates, { direct: true, protocol }),
    }
    this.partners.changed = () => this.#cutBlocked()
    this.#links = new Links({
      server,
      admit: stanza => this.#admit(stanza),
      isOurs: domain => this.isOurs(domain),
      isBlocked: domain => !mayGo(this.profile(domain)),
      open: (pair, events) => this.#open(pair, events),
    })
    server.router.remote = this.#links
    server.hear(PONG, text => {
      const [from = '', to = '', id = ''] = text.split(' ')
      this.#links.find({ from, to })?.ponged(id)
    })
    server.atStop(() => this.#links.leave())
  }

  get incoming(): Iterable<IncomingStream> {
    return this.#incoming.keys()
  }

  get links(): Iterable<Link> {
    return this.#links.links
  }

  /** Ways that another node has. */
  get elsewhere(): Links['elsewhere'] {
    return this.#links.elsewhere
  }

  /** Takes over what waits for other domains since an earlier start. */
  begin(): Promise<void> {
    return this.#links.begin()
  }

  /** A connection of another server. False: its address has too many, or the server is going down. */
  accept(socket: Socket, direct: boolean, remote?: string): boolean {
    const { clock, connections, draining } = this.server
    const tls = direct ? this.#doors.direct : this.#doors.starttls
    const wire = this.#wire(socket, tls, direct, remote)
    if (draining || !connections.take(networkOf(wire.remote))) {
      wire.destroy()
      return false
    }
    const stream = new IncomingStream(this, wire)
    const stop = clock.after(NEGOTIATION, () => {
      if (stream.domains.size === 0) stream.fail('connection-timeout', 'Nothing was proven within a minute')
    })
    this.#incoming.set(stream, stop)
    return true
  }

  /** TLS handshakes of peers that have ended. */
  handshakes(direct: boolean): Handshakes {
    return (direct ? this.#doors.direct : this.#doors.starttls).handshakes
  }

  /** Figures for metrics. */
  families(): ReturnType<typeof federationFamilies> {
    return federationFamilies(this)
  }

  close(): void {
    this.server.router.remote = undefined
    this.border.close()
    this.partners.changed = () => {}
    for (const stream of this.#incoming.keys()) stream.fail('system-shutdown', 'The server is going down')
    this.#links.close()
    for (const openings of Object.values(this.#openings)) openings.close()
    this.#doors.starttls.close()
    this.#doors.direct.close()
    this.#stalls.stop()
  }

  // ── for streams that peers open ──

  isOurs(domain: string): boolean {
    return this.server.router.has(domain)
  }

  profile(domain: string): Profile {
    return this.partners.profile(domain)
  }

  vouch(tls: TlsInfo | undefined, domain: string): Awaitable<Judgement> {
    return this.#parts.vouchers.ofVisitor(tls, domain)
  }

  proven(stream: IncomingStream, domain: string, proof: Proof): boolean {
    const { wire, local } = stream
    const { protocol: tls } = wire.tls ?? {}
    if (!this.border.began(stream, domain)) {
      stream.fail('policy-violation', 'This domain has too many streams')
      return false
    }
    this.server.log.info('another server has connected', {
      ...{ domain, to: local, proof, tls, direct: wire.kind === 'tls', address: wire.remote },
    })
    return true
  }

  ponged(pair: Pair, id: string): void {
    const link = this.#links.find(pair)
    if (link) link.ponged(id)
    else if (this.server.live.isShared) this.server.live.tell(PONG, `${pair.from} ${pair.to} ${id}`)
  }

  async turned(pair: Pair, { tls }: Wire, begin: (events: LinkEvents) => ReverseWay | undefined): Promise<void> {
    const profile = this.profile(pair.to)
    // Where the operator has said where a domain is, it is nowhere else.
    if (!mayGo(profile) || profile.host !== undefined) return
    if (!(await this.#parts.vouchers.mayReceive(tls, pair.to))) return
    try {
      this.#links.lend(pair, begin)
    } catch (error) {
      // Too many links: it will have its own stream if there is anything to say.
      if (!(error instanceof StanzaError)) throw error
    }
  }

  ended(stream: IncomingStream): void {
    this.#incoming.get(stream)?.()
    this.#incoming.delete(stream)
    this.border.ended(stream)
  }

  /** XEP-0220 §2.1.2: over a stream of its own, never the one that the request came on. */
  async verify(pair: Pair, id: string, key: string): Promise<DialbackResult> {
    const own = { from: pair.to, to: pair.from }
    const open = this.#links.find(own)?.stream
    // XEP-0288 §2.2: never on the stream of whoever has asked.
    if (open instanceof OutgoingStream) return open.verify(pair, id, key)
    try {
      return await this.#openings.verify.run(async () => {
        const opening = { pair: own, purpose: 'verify', events: UNHEARD, observe: undefined } as const
        const stream = await this.#tryServers(opening)
        try {
          return await stream.verify(pair, id, key)
        } finally {
          stream.close()
        }
      })
    } catch (error) {
      this.server.log.info('a dialback key could not be verified', { ...pair, reason: (error as Error).message })
      return { type: 'error', condition: 'remote-server-timeout' }
    }
  }

  // ── streams that we open ──

  /** Connects to a domain and ends it again. Gives why it does not work; undefined where it does. */
  async test(domain: string, observe: (step: Step) => void): Promise<string | undefined> {
    if (this.isOurs(domain)) return 'it is here'
    if (!mayGo(this.profile(domain))) return blockedBy(domain, this.partners)
    const pair = { from: this.server.defaultDomain, to: domain }
    const ours = this.#parts.certificates.describe(pair.from)
    if (ours) observe({ step: 'own', domain: pair.from, certificate: ours, now: this.server.clock.now() })
    try {
      const stream = await this.#open(pair, UNHEARD, observe)
      stream.close()
      return undefined
    } catch (error) {
      return (error as Error).message
    }
  }

  /** Ends the streams of domains that may not have them any more. */
  #cutBlocked(): void {
    for (const stream of this.#incoming.keys()) {
      if ([...stream.domains.keys()].some(domain => !mayCome(this.profile(domain))))
        stream.fail('policy-violation', 'This domain is not federated with')
    }
    this.#links.cutBlocked()
    // On a stream for both directions stanzas come as well.
    for (const { stream, pair } of this.links) if (stream?.isBidi && !mayCome(this.profile(pair.to))) stream.close()
  }

  /** @throws StanzaError where nothing may go that way */
  #admit(stanza: Stanza): Pair {
    const { from, to } = stanza
    if (!from || !to) throw new StanzaError('bad-request', 'A stanza for another domain needs both addresses')
    return { from: from.domain, to: to.domain }
  }

  /** When it is its turn. @throws DnsError, PeerError */
  #open(pair: Pair, events: LinkEvents, observe?: (step: Step) => void): Promise<OutgoingStream> {
    return this.#openings.stanzas.run(() => this.#tryServers({ pair, purpose: 'stanzas', events, observe }))
  }

  /** Tries one server of the domain after another. @throws DnsError, PeerError */
  async #tryServers(opening: Opening): Promise<OutgoingStream> {
    const { pair, observe } = opening
    const { resolver, rules } = this.#parts
    const { clock } = this.server
    const { host } = this.profile(pair.to)
    const targets = host === undefined ? await resolver.targets(pair.to, { observe }) : pinned(pair.to, host)
    const attempts = connectTo(targets, { resolver, rules, clock, observe })
    let last: PeerError | undefined
    for (let next = await attempts.next(); next; next = await attempts.next()) {
      try {
        const stream = await this.#stream(next, opening)
        await stream.ready
        return stream
      } catch (error) {
        // What came furthest says most; of two that came as far, the one that the domain wants to be asked first.
        if (!(error instanceof PeerError)) throw error
        if (!last || error.reached > last.reached) last = error
        if (!error.elsewhere) break
      }
    }
    attempts.stop()
    throw last ?? unreachable(targets, attempts.failures)
  }

  /** @throws PeerError */
  async #stream({ socket, direct, target }: Connection, { pair, purpose, events, observe }: Opening) {
    const { certificates, vouchers } = this.#parts
    // Whoever only looks whether a domain can be reached does not stay to be spoken to.
    const profile = { ...this.profile(pair.to), ...(observe && { bidi: false }) }
    const records = target.secure ? await this.#tlsa(target, socket, observe) : []
    const failed = (error: Error) => stream.fail(new PeerError(`TLS failed: ${error.message}`))
    const tls = new TlsCaller(certificates, { local: pair.from, remote: pair.to, direct, failed })
    const wire = this.#wire(socket, tls, direct)
    const stream = new OutgoingStream({
      wire,
      clock: this.server.clock,
      pair,
      // RFC 7671 §2.1: who publishes such records has TLS, whatever they say.
      profile: records.length > 0 ? { ...profile, tls: 'required' } : profile,
      keys: this.keys,
      reception: this,
      vouch: tls => vouchers.ofServer(tls, pair.to, { target, records, observe }),
      purpose,
      observe,
      ...events,
    })
    return stream
  }

  /** RFC 7673 §3.3: where nobody can say whether there are any, the server is not used. @throws PeerError */
  async #tlsa(target: Target, socket: Socket, observe: Opening['observe']): Promise<readonly TlsaRecord[]> {
    const { resolver } = this.#parts
    // Nobody else listens to it yet.
    socket.on('error', () => {})
    const records = await resolver.tlsa(target, { observe }).catch((error: Error) => {
      socket.destroy()
      throw new PeerError(`DNS does not say whether ${target.host} has TLSA records: ${error.message}`)
    })
    if (socket.destroyed) throw new PeerError('the connection was lost at once')
    return records
  }

  #wire(socket: Socket, tls: TlsDoor | TlsCaller, direct: boolean, remote?: string): TcpWire {
    const { clock, log } = this.server
    const crashed = (error: unknown) => log.error('a connection could not be read', { error })
    const options = { clock, stalls: this.#stalls, crashed, tls, direct, content: NS.server, gathers: true }
    this.traffic.watch(socket)
    return new TcpWire(socket, options, remote)
  }
}

interface Opening {
  readonly pair: Pair
  readonly purpose: 'stanzas' | 'verify'
  readonly events: LinkEvents
  readonly observe: ((step: Step) => void) | undefined
}

function pinned(domain: string, place: string): Targets {
  const colon = place.lastIndexOf(':')
  const host = place.slice(0, colon).replace(/^\[|\]$/g, '')
  const target = { host, port: Number(place.slice(colon + 1)), direct: false, priority: 0, weight: 0, secure: false }
  return { domain, list: [target], secure: false, kind: 'fallback' }
}

/** Why nobody could be connected to. */
function unreachable({ domain, kind, isGuess }: Targets, failures: readonly ConnectFailure[]): PeerError {
  // Neither SRV nor address records: it is not that a server is away, nor that DNS does not answer now.
  if (kind === 'fallback' && !isGuess && failures.some(({ reason }) => reason.endsWith(NO_ADDRESSES)))
    return new PeerError(
      `DNS has no addresses for ${domain}, and no SRV record _xmpp-server._tcp.${domain} that names another host`,
      { code: 'nodata' },
    )
  const reasons = failures.map(({ host, port, reason }) => `${host}:${port}: ${reason}`)
  return new PeerError(reasons.join('; ') || 'no server of it can be connected to')
}
