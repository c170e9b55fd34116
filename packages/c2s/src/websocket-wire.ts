import type { Socket } from 'node:net'
import { NS } from '@parley/stanza'
import { flushAfterTurn, openXml, type Pending, readOpen } from '@parley/wire'
import { parseElement, XmlStreamError } from '@parley/xml'
import type { Clock, OurHeader, TlsInfo, Wire, WireEvents } from '@xmpp/server-core'
import type { RawData, WebSocket } from 'ws'

/** After our close frame the peer has this long to answer it. */
const LINGER = 2000
/** Pings that a peer may send in a second, on average over some seconds. */
const PINGS = 10

/** RFC 6455 §7.4.1. */
const NORMAL = 1000
const UNSUPPORTED_DATA = 1003
const INVALID_PAYLOAD = 1007
const POLICY_VIOLATION = 1008
const TOO_BIG = 1009

export interface WebSocketWireOptions {
  readonly clock: Clock
  readonly crashed: (error: unknown) => void
  /** The client's IP address. */
  readonly remote: string
  readonly tls: TlsInfo | undefined
  /** There is no TLS here because a proxy on this machine has done it. */
  readonly secure: boolean
}

/** An XML stream over a WebSocket: one frame, one element (RFC 7395). */
export class WebSocketWire implements Wire, Pending {
  readonly kind = 'websocket'
  readonly remote: string
  readonly tls: TlsInfo | undefined
  readonly secure: boolean
  readonly canStartTls = false
  readonly #socket: WebSocket
  readonly #raw: Socket
  readonly #options: WebSocketWireOptions
  #events: WireEvents | undefined
  #limit = Number.POSITIVE_INFINITY
  #awaitsOpen = true
  #corked = false
  #ended = false
  #code = NORMAL
  #pings = 0
  #pingsSince: number
  #stopLingering: (() => void) | undefined

  /** @param raw the connection below, whose writes are joined */
  constructor(socket: WebSocket, raw: Socket, options: WebSocketWireOptions) {
    this.#socket = socket
    this.#raw = raw
    this.#options = options
    this.remote = options.remote
    this.tls = options.tls
    this.secure = options.secure
    this.#pingsSince = options.clock.monotonic()
    // A frame that breaks RFC 6455 is answered with its close code by the library; "close" follows.
    socket.on('error', () => this.#linger())
    socket.on('close', () => this.#lost())
  }

  get backlog(): number {
    return this.#socket.bufferedAmount + this.#raw.writableLength
  }

  start(events: WireEvents): void {
    this.#events = events
    this.#socket.on('message', (data, isBinary) => this.#message(data, isBinary))
    this.#socket.on('ping', data => this.#ping(data))
  }

  header(header: OurHeader): void {
    this.#send(openXml(header))
  }

  features(xml: string): void {
    this.#send(`<stream:features xmlns:stream="${NS.streams}">${xml}</stream:features>`)
  }

  error(xml: string): void {
    this.#send(`<stream:error xmlns:stream="${NS.streams}">${xml}</stream:error>`)
  }

  stanza(xml: string): void {
    this.#send(withNamespace(xml))
  }

  send(xml: string): void {
    this.#send(xml)
  }

  footer(): void {
    this.#send(`<close xmlns="${NS.framing}"/>`)
  }

  restart(): void {
    this.#awaitsOpen = true
  }

  startTls(): never {
    // RFC 7395 §3.9: TLS, if any, is below the WebSocket.
    throw new Error('No STARTTLS over WebSocket')
  }

  limit(bytes: number): void {
    this.#limit = bytes
  }

  pause(): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  flushed(done: () => void): void {
    this.flush()
    if (this.backlog === 0) done()
    else this.#raw.write('', error => error ?? done())
  }

  end(): void {
    if (this.#ended) return
    this.flush()
    this.#ended = true
    this.#socket.resume()
    this.#socket.close(this.#code)
    this.#linger()
  }

  destroy(): void {
    this.#ended = true
    this.#socket.terminate()
  }

  flush(): void {
    if (!this.#corked) return
    this.#corked = false
    this.#raw.uncork()
  }

  // ── in ──

  #message(data: RawData, isBinary: boolean): void {
    if (this.#ended) return
    try {
      // RFC 7395 §3.2
      if (isBinary) throw this.#refusal(UNSUPPORTED_DATA, 'bad-format', 'Only text frames carry XMPP')
      this.#element(data as Buffer)
    } catch (error) {
      if (error instanceof XmlStreamError) this.#failed(error)
      else {
        this.#options.crashed(error)
        this.destroy()
      }
    }
  }

  #element(data: Buffer): void {
    if (data.length > this.#limit) {
      throw this.#refusal(TOO_BIG, 'policy-violation', `more than ${this.#limit} bytes in one stanza`)
    }
    const element = parseElement(data)
    if (this.#awaitsOpen) {
      this.#awaitsOpen = false
      this.#events?.opened(readOpen(element))
    } else if (element.is('close', NS.framing)) this.#events?.closed()
    else this.#events?.element(element)
  }

  #refusal(code: number, condition: XmlStreamError['condition'], text: string): XmlStreamError {
    this.#code = code
    return new XmlStreamError(condition, text)
  }

  #failed(error: XmlStreamError): void {
    if (this.#code === NORMAL) this.#code = error.condition === 'policy-violation' ? POLICY_VIOLATION : INVALID_PAYLOAD
    this.#events?.failed(error)
  }

  /** A pong for each ping, but not for a flood of them. */
  #ping(data: Buffer): void {
    const now = this.#options.clock.monotonic()
    const allowed = Math.max(0, this.#pings - ((now - this.#pingsSince) * PINGS) / 1000)
    this.#pings = allowed + 1
    this.#pingsSince = now
    if (this.#pings > PINGS * 5) this.#failed(this.#refusal(POLICY_VIOLATION, 'policy-violation', 'Too many pings'))
    else if (this.#socket.readyState === this.#socket.OPEN) this.#socket.pong(data)
  }

  // ── out and away ──

  #send(xml: string): void {
    if (this.#ended || this.#socket.readyState !== this.#socket.OPEN) return
    if (!this.#corked) {
      this.#corked = true
      this.#raw.cork()
      flushAfterTurn(this)
    }
    this.#socket.send(xml)
  }

  #linger(): void {
    this.#ended = true
    this.#stopLingering ??= this.#options.clock.after(LINGER, () => this.destroy())
  }

  #lost(): void {
    this.#stopLingering?.()
    this.#ended = true
    const events = this.#events
    this.#events = undefined
    events?.lost()
  }
}

/** RFC 7395 §3.3.3: each frame stands alone, so a stanza names its namespace. */
function withNamespace(xml: string): string {
  let end = 1
  while (isNameCharacter(xml.charCodeAt(end))) end++
  return `${xml.slice(0, end)} xmlns="${NS.client}"${xml.slice(end)}`
}

function isNameCharacter(code: number): boolean {
  return code >= 0x61 && code <= 0x7a
}
