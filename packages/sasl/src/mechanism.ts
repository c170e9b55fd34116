import type { TokenStore } from './hashed-token.ts'
import type { ScramKeys, ScramMechanism } from './scram-mechanism.ts'

export type Awaitable<T> = T | Promise<T>

/** Channel binding data (XEP-0440 type names) that the transport of this stream can vouch for. */
export interface ChannelBindings {
  /** RFC 9266 */
  readonly 'tls-exporter'?: Buffer
  /** RFC 5929 §4 */
  readonly 'tls-server-end-point'?: Buffer
}

/** What is known of the connection before anybody authenticates. */
export interface Link {
  /** The prepared domainpart that the client addressed. */
  readonly host: string
  /** TLS, or an equally protected transport. */
  readonly secure: boolean
  readonly bindings: ChannelBindings
  /** `xmppAddr` names of a client certificate whose chain the transport has verified (RFC 6120 §13.7.2). */
  readonly certificateAddresses: readonly string[]
}

export type AccountStatus = 'active' | 'disabled' | 'expired'

/** What one host's account store tells. `user` is always a prepared localpart. A rejection becomes `temporary-auth-failure`. */
export interface Credentials {
  /** Every set of keys the account has; `[]` for an account without password and for an unknown one alike. */
  scramKeys(user: string): Awaitable<readonly ScramKeys[]>
  /** Asked only after the proof was right, so that the answer tells nothing to a guesser; undefined when unknown. */
  status(user: string): Awaitable<AccountStatus | undefined>
  /** Needed for the HT-* mechanisms. */
  readonly tokens?: TokenStore
}

/** A host's configuration. */
export interface SaslPolicy {
  /** Names this host may offer; whether it does also depends on the link. */
  readonly enabled: readonly string[]
  /** XEP-0474: `h=` in the SCRAM server-first-message. */
  readonly downgradeProtection: boolean
  /** SCRAM on a link that is not secure; nothing else is ever offered there. */
  readonly allowInsecure: boolean
  /** PBKDF2 rounds of new keys, and the count that unknown users are shown. */
  readonly iterations: Readonly<Record<ScramMechanism, number>>
}

/** What the stream features really said, for the SASL profile (SASL1 or SASL2) that the client now uses. */
export interface Advertised {
  readonly mechanisms: readonly string[]
  /** Content of `<fast/>` (XEP-0484); left out when it was not sent. */
  readonly tokenMechanisms?: readonly string[]
  /** Content of `<sasl-channel-binding/>` (XEP-0440); left out when it was not sent. */
  readonly bindings?: readonly string[]
}

/** The `<fast/>` element of `<authenticate/>` (XEP-0484 §3.4). */
export interface FastRequest {
  /** `<user-agent id=…/>` */
  readonly client: string
  readonly count?: number
  /** The request came in TLS 0-RTT data. */
  readonly earlyData: boolean
}

export interface MechanismContext extends Link {
  readonly policy: SaslPolicy
  readonly credentials: Credentials
  readonly advertised: Advertised
  /** At least 32 octets, the same on all nodes and after restarts: salts of unknown users are derived from it. */
  readonly decoySecret: Buffer
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly fast?: FastRequest
}

export interface Identity {
  /** Prepared localpart. */
  readonly user: string
  readonly host: string
}

export interface Success {
  readonly success: Identity
  /** Additional data with success: the server-final-message of SCRAM, the responder message of HT. */
  readonly data?: Buffer
  /** No account: the user name was made up for this stream (RFC 4505). */
  readonly anonymous?: true
  /** Id of the FAST token that was redeemed. */
  readonly token?: string
}

export type Step = { readonly challenge: Buffer } | Success

/** Answers one message of the client; failures are thrown as `SaslError`. */
export type Responder = (input: Buffer) => Promise<Step>

export interface Mechanism {
  readonly name: string
  /** `claim` tells whose account is tried, as soon as that is known and before any proof. */
  start(context: MechanismContext, claim: (user: string) => void): Responder
}
