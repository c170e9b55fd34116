import { NS } from '@parley/stanza'
import { type Element, escapeAttribute, type ParserEvents, StreamParser, XmlStreamError } from '@parley/xml'
import type { OurHeader, TlsInfo, Wire, WireEvents } from '@xmpp/server-core'

export interface MemoryWireOptions {
  /** Whether it counts as protected by TLS. */
  readonly secure?: boolean
  readonly tls?: TlsInfo
  readonly remote?: string
}

/** Clients read what the server writes, which may be more than what it reads. */
const CLIENT_LIMITS = { maxStanzaBytes: 16_777_216, maxElements: 20_000, maxDepth: 256 }

/** What the client's end of a wire hears. */
export interface ClientEnd {
  header(header: Element): void
  element(element: Element): void
  /** The server closed its stream. */
  footer(): void
  /** The connection is gone. */
  closed(): void
}

/** A connection inside the process: bytes go through the real parser both ways. */
export class MemoryWire implements Wire {
  readonly kind = 'memory'
  readonly remote: string
  readonly canStartTls = false
  readonly secure: boolean
  readonly tls: TlsInfo | undefined
  backlog = 0
  #events: WireEvents | undefined
  readonly #client: ClientEnd
  readonly #toServer: StreamParser
  readonly #toClient: StreamParser
  #out = ''
  #flushing = false
  #waiting: (() => void)[] = []
  #paused: Buffer[] | undefined
  #open = true

  constructor(client: ClientEnd, { secure = true, tls, remote = '192.0.2.1' }: MemoryWireOptions = {}) {
    this.#client = client
    this.secure = secure
    this.tls = tls
    this.remote = remote
    this.#toServer = new StreamParser(this.#serverEvents(), { freeze: true })
    this.#toClient = new StreamParser({
      opened: root => client.header(root),
      stanza: element => client.element(element),
      closed: () => client.footer(),
    })
    this.#toClient.setLimits(CLIENT_LIMITS)
  }

  /** What the client writes. */
  write(xml: string | Buffer): void {
    const bytes = typeof xml === 'string' ? Buffer.from(xml) : xml
    if (!this.#open) return
    if (this.#paused) this.#paused.push(bytes)
    else this.#parse(bytes)
  }

  /** The connection breaks, as seen from the server. */
  cut(): void {
    if (!this.#open) return
    this.#open = false
    this.#events?.lost()
  }

  start(events: WireEvents): void {
    this.#events = events
  }
  header({ from, to, id, lang }: OurHeader): void {
    const answer = to === undefined ? '' : ` to="${escapeAttribute(to)}"`
    this.#write(
      `<stream:stream xmlns="${NS.client}" xmlns:stream="${NS.streams}" from="${from}"${answer} id="${id}" version="1.0" xml:lang="${lang}">`,
    )
  }
  features(xml: string): void {
    this.#write(`<stream:features>${xml}</stream:features>`)
  }
  error(xml: string): void {
    this.#write(`<stream:error>${xml}</stream:error>`)
  }
  stanza(xml: string): void {
    this.#write(xml)
  }
  send(xml: string): void {
    this.#write(xml)
  }
  footer(): void {
    this.#write('</stream:stream>')
  }
  restart(): void {
    this.#toServer.reset()
    this.#restarted = true
  }
  startTls(): void {
    throw new Error('There is no TLS in memory')
  }
  limit(bytes: number): void {
    this.#toServer.setLimits({ maxStanzaBytes: bytes })
  }
  pause(): void {
    this.#paused ??= []
  }
  resume(): void {
    const waiting = this.#paused
    this.#paused = undefined
    for (const bytes of waiting ?? []) this.write(bytes)
  }
  flushed(done: () => void): void {
    if (this.#out === '') done()
    else this.#waiting.push(done)
  }
  end(): void {
    this.#open = false
    this.#waiting.push(() => this.#client.closed())
    this.#schedule()
  }
  destroy(): void {
    this.end()
  }

  #restarted = false

  #write(xml: string): void {
    this.#out += xml
    this.#schedule()
  }

  #schedule(): void {
    if (this.#flushing) return
    this.#flushing = true
    setImmediate(() => {
      this.#flushing = false
      const xml = this.#out
      this.#out = ''
      if (xml !== '') this.#feed(xml)
      const waiting = this.#waiting
      this.#waiting = []
      for (const done of waiting) done()
    })
  }

  /** The client's parser must start anew where the server's header begins again. */
  #feed(xml: string): void {
    const at = this.#restarted ? xml.indexOf('<stream:stream') : -1
    if (at < 0) {
      this.#toClient.write(Buffer.from(xml))
      return
    }
    this.#restarted = false
    if (at > 0) this.#toClient.write(Buffer.from(xml.slice(0, at)))
    this.#toClient.reset()
    this.#toClient.write(Buffer.from(xml.slice(at)))
  }

  #parse(bytes: Buffer): void {
    try {
      this.#toServer.write(bytes)
    } catch (error) {
      if (!(error instanceof XmlStreamError)) throw error
      this.#events?.failed(error)
    }
  }

  #serverEvents(): ParserEvents {
    return {
      opened: ({ attrs, ns }, contentNs) =>
        this.#events?.opened({
          to: attrs['to'],
          from: attrs['from'],
          version: attrs['version'],
          lang: attrs['xml:lang'],
          namespacesOk: ns === NS.streams && contentNs === NS.client,
        }),
      stanza: element => this.#events?.element(element),
      closed: () => this.#events?.closed(),
    }
  }
}
