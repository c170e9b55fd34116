import type { Awaitable, Server, TlsInfo, Wire } from '@xmpp/server-core'
import type { Border } from './border.ts'
import type { DialbackKeys, DialbackResult, Pair } from './dialback.ts'
import type { IncomingStream } from './incoming.ts'
import type { LinkEvents } from './link.ts'
import type { Profile } from './profile.ts'
import type { Judgement, PROOFS, Voucher } from './trust.ts'
import type { ReverseWay } from './way.ts'

/** What the federation does for a stream that a peer has opened. */
export interface Reception {
  readonly server: Server
  readonly keys: DialbackKeys
  /** Whether a domain is one of ours: a host, a service or a component. */
  isOurs(domain: string): boolean
  profile(domain: string): Profile
  readonly border: Pick<Border, 'enter' | 'pace' | 'blocklists'>
  /** Judges what a peer showed in TLS, if need be with the help of others. Never rejects. */
  vouch(tls: TlsInfo | undefined, domain: string): Awaitable<Judgement>
  /** Asks the domain itself whether a key is its own (XEP-0220 §2.1.2). */
  verify(pair: Pair, id: string, key: string): Promise<DialbackResult>
  /** Another domain has been proven on this stream. False: it has too many, and the stream is over. */
  proven(stream: IncomingStream, domain: string, how: Proof): boolean
  /**
   * The peer takes stanzas of a pair of domains, ours and theirs, on its own stream (XEP-0288). Where there is no other way, this one
   * begins, unless the stream is over by then.
   */
  turned(pair: Pair, wire: Wire, begin: (events: LinkEvents) => ReverseWay | undefined): Promise<void>
  /** The peer has answered a ping behind the stanzas of our stream to it. @param pair ours, and theirs */
  ponged(pair: Pair, id: string): void
  ended(stream: IncomingStream): void
}

/** How a peer has proven its domain. */
export type Proof = (typeof PROOFS)[Voucher] | 'dialback'
