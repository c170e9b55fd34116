import type { Awaitable, Clock, TlsInfo, Wire } from '@xmpp/server-core'
import type { DialbackKeys, Pair } from './dialback.ts'
import type { PeerError } from './peer-error.ts'
import type { Profile } from './profile.ts'
import type { Reception } from './reception.ts'
import type { Judgement } from './trust.ts'

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
  /** Takes what the peer sends, where the stream is used in both directions. */
  readonly reception: Pick<Reception, 'server' | 'isOurs' | 'ponged' | 'border'>
  /** Judges what the peer showed in TLS. Never rejects. */
  vouch(tls: TlsInfo | undefined): Awaitable<Judgement>
  /** `stanzas`: to send them; `verify`: only to ask about keys, for which we need not prove ourselves. */
  readonly purpose: 'stanzas' | 'verify'
  readonly observe?: ((step: Negotiation) => void) | undefined
  /** The stream has ended; what was written and not confirmed is for the caller to see to. */
  readonly ended: (reason: PeerError) => void
  /** The peer has handled so many stanzas in all since the stream was ready. */
  readonly confirmed?: (count: number) => void
  /** The peer has answered the ping of that id. */
  readonly ponged?: (id: string) => void
}
