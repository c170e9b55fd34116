import type { Socket } from 'node:net'
import { createServer, type SecureContext, type Server, type TLSSocket, type TlsOptions } from 'node:tls'
import type { ShownCertificates } from '@xmpp/server-core'
import { shownBy } from './bindings.ts'
import type { Certificates } from './certificates.ts'
import { Pace } from './pace.ts'
import type { TlsSide } from './tcp-wire.ts'

/** RFC 7301 identifiers of streams (XEP-0368 §4). */
type Protocol = 'xmpp-client' | 'xmpp-server'
const HANDSHAKE_TIME = 30_000
/** Handshakes that begin in one turn of the event loop: each takes about a millisecond, and thousands may come at once. */
const AT_ONCE = 8

/** TLS handshakes that have ended. */
export interface Handshakes {
  ok: number
  failed: number
}

/**
 * Does TLS handshakes on connections that are open already. One `tls.Server` for each domain that clients name in their
 * stream header, none of them listening: they give handshake time-outs, verification and new certificates.
 *
 * A direct TLS port knows nothing but the handshake, so there a name (SNI) that is not hosted or an ALPN list without
 * `xmpp-client` ends it: whoever asked for something else must not talk to us (ALPACA). After STARTTLS the client has
 * named a hosted domain in its stream header, and gets that domain's certificate where its SNI says something else, as
 * RFC 6066 §3 permits: old clients put the name of the machine there.
 */
export class TlsDoor implements TlsSide {
  readonly #certificates: Certificates
  readonly #direct: boolean
  readonly #protocol: Protocol
  readonly #servers = new Map<string, Server>()
  /** Handshakes under way, by the two ends of their connection. */
  readonly #waiting = new Map<string, (socket: TLSSocket) => void>()
  readonly #unlisten: () => void
  readonly #pace = new Pace(AT_ONCE)
  readonly handshakes: Handshakes = { ok: 0, failed: 0 }

  constructor(certificates: Certificates, options: { readonly direct: boolean; readonly protocol?: Protocol }) {
    const { direct, protocol = 'xmpp-client' } = options
    this.#certificates = certificates
    this.#direct = direct
    this.#protocol = protocol
    this.#unlisten = certificates.onReload(() => {
      for (const [domain, server] of this.#servers) server.setSecureContext(this.#options(domain))
    })
  }

  /** Whether clients may authenticate with certificates. */
  get clients(): boolean {
    return this.#certificates.clients
  }

  /** See {@link Certificates.single}. */
  get single(): Buffer | undefined {
    return this.#certificates.single
  }

  /** Handshakes under way. */
  get size(): number {
    return this.#waiting.size
  }

  /** By the rules for servers, though OpenSSL takes whoever connects for a client. */
  shown(socket: TLSSocket): ShownCertificates {
    return this.#certificates.serverChains.judge(shownBy(socket), Date.now())
  }

  /** Begins a handshake on `raw`, which nobody reads; a failed one closes it. */
  handshake(raw: Socket, domain: string | undefined, done: (socket: TLSSocket) => void): void {
    this.#pace.begin(() => this.#begin(raw, domain, done))
  }

  #begin(raw: Socket, domain: string | undefined, done: (socket: TLSSocket) => void): void {
    // A connection that is gone has no ends any more; its "close" is on the way.
    if (raw.destroyed || raw.remotePort === undefined) {
      raw.destroy()
      return
    }
    const key = ends(raw)
    this.#waiting.set(key, done)
    raw.once('close', () => this.#waiting.delete(key))
    this.#server(domain ?? this.#certificates.defaultDomain).emit('connection', raw)
  }

  close(): void {
    this.#unlisten()
    this.#waiting.clear()
  }

  #server(domain: string): Server {
    let server = this.#servers.get(domain)
    if (server) return server
    server = createServer({
      ...this.#options(domain),
      handshakeTimeout: HANDSHAKE_TIME,
      requestCert: this.clients || this.#protocol === 'xmpp-server',
      rejectUnauthorized: false,
      ...(this.#direct ? { ALPNProtocols: [this.#protocol] } : {}),
      SNICallback: (name, done) => this.#choose(name, done),
    })
    server.on('secureConnection', socket => {
      this.handshakes.ok++
      const key = ends(socket)
      const done = this.#waiting.get(key)
      this.#waiting.delete(key)
      if (done && this.#isNamed(socket)) done(socket)
      else socket.destroy()
    })
    // What the peer did wrong is its own business. Whoever only takes too long is not cut off by Node.
    server.on('tlsClientError', (_error, socket) => {
      this.handshakes.failed++
      socket.destroy()
    })
    this.#servers.set(domain, server)
    return server
  }

  #options(domain: string): TlsOptions {
    if (this.#protocol === 'xmpp-server') return this.#certificates.peerOptions(domain)
    return this.#certificates.options(domain, this.#direct ? 'direct TLS' : 'STARTTLS')
  }

  /** Nobody is asked about the name of a session that is resumed. */
  #isNamed(socket: TLSSocket): boolean {
    if (!this.#direct || !socket.isSessionReused()) return true
    // `false` where there was none, or where it is not known (TLS 1.2).
    const { servername: name } = socket as { readonly servername?: string | false | null }
    return !name || this.#certificates.context(name) !== undefined
  }

  #choose(name: string, done: (error: Error | null, context?: SecureContext) => void): void {
    const context =
      this.#protocol === 'xmpp-server' ? this.#certificates.peerContext(name) : this.#certificates.context(name)
    if (context || !this.#direct) done(null, context)
    else done(new Error('No such name'))
  }
}

/** Names a connection, raw or with TLS on it, while it is open. */
export function ends({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`
}
