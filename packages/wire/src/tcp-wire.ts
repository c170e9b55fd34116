import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { NS } from '@parley/stanza'
import { StreamParser, XmlStreamError } from '@parley/xml'
import type { Clock, OurHeader, ShownCertificates, TlsInfo, Wire, WireEvents } from '@xmpp/server-core'
import { tlsInfo } from './bindings.ts'
import { headerXml, readHeader } from './header.ts'
import { Outbox } from './outbox.ts'
import type { Reader, Stalls } from './stalls.ts'

/** After our side is closed the peer has this long to close its own. */
const LINGER = 2000
/** STARTTLS comes first: clear text is read with care for it as long as a peer that has proven nothing may go on. */
const CLEAR_TEXT = 10_000
const TAG_END = 0x3e

/** One side of TLS handshakes: that of the server, or that of whoever has connected. */
export interface TlsSide {
  /** Whether clients may authenticate with certificates. */
  readonly clients: boolean
  /** The end point of the only certificate that there is (RFC 5929 §4.1); undefined where there are several. */
  readonly single: Buffer | undefined
  /** What a peer server has shown, as it is to be judged. */
  shown(socket: TLSSocket): ShownCertificates
  /** Begins a handshake on `raw`, which nobody reads, for the stream to or from `domain`; a failed one closes it. */
  handshake(raw: Socket, domain: string | undefined, done: (socket: TLSSocket) => void): void
}

export interface TcpWireOptions {
  readonly clock: Clock
  readonly stalls: Stalls
  /** Takes an error of our own that reading ran into; the connection is closed. */
  readonly crashed: (error: unknown) => void
  /** Absent: plain text for ever. */
  readonly tls?: TlsSide
  /** TLS comes first (XEP-0368), not STARTTLS. */
  readonly direct?: boolean
  /** The namespace of stanzas on this stream; read as `jabber:client`. */
  readonly content?: string
  /** Many write stanzas to it: what they write in quick succession leaves together, a millisecond later. */
  readonly gathers?: boolean
}

/** An XML stream over TCP, with STARTTLS (RFC 6120 §5) or TLS from the start (XEP-0368). */
export class TcpWire implements Wire, Reader {
  readonly kind: 'tcp' | 'tls'
  readonly remote: string
  readonly secure = false
  tls: TlsInfo | undefined
  readonly #options: TcpWireOptions
  readonly #content: string
  readonly #parser: StreamParser
  readonly #outbox: Outbox
  readonly #raw: Socket
  #socket: Socket
  #events: WireEvents | undefined
  #state: 'open' | 'shaking' | 'ended' | 'gone' = 'open'
  #paused = false
  #reading = false
  /** Bytes that may still come before STARTTLS is out of the question. */
  #clear: number
  /** Clear text that was read and waits: for {@link resume}, or to be thrown away. */
  #held: Buffer | undefined
  #upgrade: string | undefined
  #progress = false
  #stopLingering: (() => void) | undefined

  /** @param remote the client's address where a proxy has told it */
  constructor(socket: Socket, options: TcpWireOptions, remote = socket.remoteAddress ?? '') {
    this.#raw = this.#socket = socket
    this.#options = options
    this.#content = options.content ?? NS.client
    this.#clear = options.tls && !options.direct ? CLEAR_TEXT : 0
    this.#outbox = new Outbox(socket)
    this.#parser = this.#newParser()
    this.kind = options.direct ? 'tls' : 'tcp'
    this.remote = remote
    // A reset is followed by "close", which says it all.
    socket.on('error', () => {})
    socket.on('close', () => this.#lost())
  }

  get canStartTls(): boolean {
    return this.#clear > 0 && this.#state === 'open'
  }

  get backlog(): number {
    return this.#outbox.size
  }

  start(events: WireEvents): void {
    this.#events = events
    if (this.#options.direct) this.#shake(undefined)
    else this.#socket.on('data', chunk => this.#read(chunk))
  }

  header(header: OurHeader): void {
    this.#write(headerXml(header, this.#content))
  }

  features(xml: string): void {
    this.#write(`<stream:features>${xml}</stream:features>`)
  }

  error(xml: string): void {
    this.#write(`<stream:error>${xml}</stream:error>`)
  }

  stanza(xml: string): void {
    if (!this.#options.gathers) this.#write(xml)
    else if (this.#state === 'open') this.#outbox.gather(xml)
  }

  send(xml: string): void {
    this.#write(xml)
  }

  footer(): void {
    this.#write('</stream:stream>')
  }

  restart(): void {
    this.#parser.reset()
  }

  startTls(domain: string): void {
    this.#upgrade = domain
    if (!this.#reading) this.#beginTls(this.#held)
  }

  limit(bytes: number): void {
    this.#parser.setLimits({ maxStanzaBytes: bytes })
  }

  pause(): void {
    this.#paused = true
    if (this.#state === 'open') this.#socket.pause()
  }

  resume(): void {
    this.#paused = false
    const held = this.#held
    this.#held = undefined
    if (held) this.#read(held)
    if (!this.#paused && this.#state === 'open') this.#socket.resume()
  }

  flushed(done: () => void): void {
    this.#outbox.flushed(done)
  }

  end(): void {
    if (this.#state === 'ended' || this.#state === 'gone') return
    if (this.#state === 'shaking') {
      this.destroy()
      return
    }
    this.#outbox.flush()
    this.#stopReading('ended')
    this.#socket.end()
    // The peer's own end is seen only while somebody reads.
    this.#socket.resume()
    this.#stopLingering = this.#options.clock.after(LINGER, () => this.destroy())
  }

  destroy(): void {
    this.#stopReading('gone')
    this.#socket.destroy()
    this.#raw.destroy()
  }

  stalled(): void {
    // A peer that we do not listen to is not to blame.
    if (this.#paused) this.#options.stalls.read(this, true, true)
    else this.#events?.failed(new XmlStreamError('policy-violation', 'A stanza took too long'))
  }

  // ── in ──

  #newParser(): StreamParser {
    const aliases = this.#content === NS.client ? {} : { aliases: { [this.#content]: NS.client } }
    return new StreamParser(
      {
        opened: (root, contentNs) => this.#events?.opened(readHeader(root, contentNs, this.#content)),
        stanza: element => {
          this.#progress = true
          this.#events?.element(element)
        },
        closed: () => this.#events?.closed(),
      },
      aliases,
    )
  }

  #read(chunk: Buffer): void {
    if (this.#state !== 'open') return
    this.#reading = true
    this.#progress = false
    try {
      const rest = this.#clear > 0 ? this.#readClearText(chunk) : chunk
      if (rest) this.#parser.write(rest)
    } catch (error) {
      if (error instanceof XmlStreamError) this.#events?.failed(error)
      else this.#crashed(error)
    } finally {
      this.#reading = false
    }
    if (this.#state === 'open') this.#options.stalls.read(this, this.#parser.unfinished, this.#progress)
  }

  /**
   * Reads one tag after another, so that it is known what came after `<starttls/>`: an attacker in between can put
   * commands there that would count as protected ones (RFC 6120 §5.4.3.3). Gives what is left when STARTTLS can not
   * come any more.
   */
  #readClearText(chunk: Buffer): Buffer | undefined {
    let bytes = this.#held ? Buffer.concat([this.#held, chunk]) : chunk
    this.#held = undefined
    while (bytes.length > 0 && this.#state === 'open') {
      if (this.#paused) {
        this.#held = bytes
        return
      }
      if (this.#clear <= 0) return bytes
      const end = bytes.indexOf(TAG_END) + 1 || bytes.length
      this.#clear -= end
      this.#parser.write(bytes.subarray(0, end))
      bytes = bytes.subarray(end)
      if (this.#upgrade !== undefined) return this.#beginTls(bytes)
    }
    return
  }

  // ── TLS ──

  #beginTls(surplus: Buffer | undefined): undefined {
    const domain = this.#upgrade
    this.#upgrade = undefined
    this.#held = undefined
    if (this.#state !== 'open') return
    if ((surplus && !isBlank(surplus)) || this.#raw.readableLength > 0) {
      this.destroy()
      return
    }
    this.#outbox.flush()
    this.#raw.removeAllListeners('data')
    this.#raw.pause()
    this.#shake(domain)
  }

  #shake(domain: string | undefined): void {
    this.#state = 'shaking'
    this.#clear = 0
    this.#options.tls!.handshake(this.#raw, domain, socket => this.#secured(socket))
  }

  #secured(socket: TLSSocket): void {
    if (this.#state !== 'shaking') {
      socket.destroy()
      return
    }
    this.#state = 'open'
    this.#socket = socket
    this.#outbox.moveTo(socket)
    const side = this.#options.tls!
    const info = tlsInfo(socket, side.clients, side.single)
    this.tls = this.#content === NS.server ? { ...info, shown: side.shown(socket) } : info
    socket.on('error', () => {})
    socket.on('close', () => this.#lost())
    socket.on('data', chunk => this.#read(chunk))
    if (this.#paused) socket.pause()
    this.#events?.secured()
  }

  // ── out and away ──

  #write(xml: string): void {
    // Before its handshake is over a peer can be told nothing.
    if (this.#state === 'open') this.#outbox.write(xml)
  }

  #stopReading(state: 'ended' | 'gone'): void {
    this.#state = state
    this.#parser.stop()
    this.#held = undefined
    this.#outbox.clear()
    this.#options.stalls.forget(this)
  }

  #crashed(error: unknown): void {
    this.#options.crashed(error)
    this.destroy()
  }

  #lost(): void {
    this.#stopLingering?.()
    const events = this.#events
    this.#events = undefined
    this.destroy()
    events?.lost()
  }
}

function isBlank(bytes: Buffer): boolean {
  return bytes.every(byte => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09)
}
