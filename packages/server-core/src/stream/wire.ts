import type { ChannelBindings } from '@parley/sasl'
import type { Element, XmlStreamError } from '@parley/xml'

/** The opening of a stream as the peer sent it (RFC 6120 §4.7), or of a framed one (RFC 7395 §3.3). */
export interface PeerHeader {
  readonly to: string | undefined
  readonly from: string | undefined
  readonly version: string | undefined
  readonly lang: string | undefined
  /** Only the server that was connected to gives one (RFC 6120 §4.7.3). */
  readonly id?: string | undefined
  /** False where the namespaces are not those of a client stream. */
  readonly namespacesOk: boolean
}

export interface OurHeader {
  readonly from: string
  readonly to: string | undefined
  /** Absent where we are the one who connected. */
  readonly id?: string
  readonly lang: string
}

/** What TLS tells about the peer and can vouch for. */
export interface TlsInfo {
  readonly protocol: string
  readonly cipher: string
  readonly bindings: ChannelBindings
  /** `xmppAddr` names of a verified client certificate (XEP-0178 §2). */
  readonly certificateAddresses: readonly string[]
  /** What another server showed; absent on streams of clients. */
  readonly shown?: ShownCertificates
  /** What came before the handshake was complete (TLS 1.3 early data); Node never accepts it. */
  readonly earlyData: false
}

/** The certificates that a server showed in a handshake. */
export interface ShownCertificates {
  /** DER, the server's own first; empty where it showed none. */
  readonly chain: readonly Buffer[]
  /** Why they lead to no authority that is trusted, as OpenSSL names it; undefined: they do. */
  readonly problem: string | undefined
}

/** What a connection tells the stream on it. */
export interface WireEvents {
  opened(header: PeerHeader): void
  element(element: Element): void
  /** The peer closed its stream in order. */
  closed(): void
  /** What the peer sent is no XML that XMPP allows. */
  failed(error: XmlStreamError): void
  /** The connection is gone. */
  lost(): void
  /** A handshake is complete: one asked for by {@link Wire.startTls}, or that of direct TLS. */
  secured(): void
}

/**
 * One connection that carries XML streams: TCP, direct TLS or WebSocket. Knows framing and bytes, nothing of XMPP's rules.
 * What is written in one turn of the event loop leaves together.
 */
export interface Wire {
  readonly kind: 'tcp' | 'tls' | 'websocket' | 'memory'
  /** The peer's IP address. */
  readonly remote: string
  /** Undefined while nothing protects the connection. */
  readonly tls: TlsInfo | undefined
  /** Protected by something in front (a proxy on loopback) though there is no TLS here. */
  readonly secure: boolean
  readonly canStartTls: boolean
  /** Bytes that the peer has not taken yet. */
  readonly backlog: number

  start(events: WireEvents): void
  header(header: OurHeader): void
  /** Content of `<stream:features/>`, serialised. */
  features(xml: string): void
  /** Content of `<stream:error/>`, serialised. */
  error(xml: string): void
  /** A stanza as it stands in a `jabber:client` stream. */
  stanza(xml: string): void
  /** Any other element, its namespace written out. */
  send(xml: string): void
  footer(): void

  /** The next thing from the peer is a new stream header (RFC 6120 §4.3.3). */
  restart(): void
  /** Drops what was read and not yet parsed, then begins the handshake. Only where {@link canStartTls}. */
  startTls(domain: string): void
  /** The largest stanza from now on, in bytes. */
  limit(bytes: number): void
  pause(): void
  resume(): void
  /** Calls back when everything written so far has been given to the network. */
  flushed(done: () => void): void
  /** Closes after what was written has left. */
  end(): void
  destroy(): void
}
