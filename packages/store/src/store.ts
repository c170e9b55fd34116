import type { AccountStore } from './accounts.ts'
import type { GatewayStore } from './gateways.ts'
import type { GroupStore } from './groups.ts'
import type { MapStore } from './maps.ts'
import type { MessageLog } from './messages.ts'
import type { Owner } from './owner.ts'
import type { PubsubStore } from './pubsub.ts'
import type { RosterStore } from './rosters.ts'
import type { SecretStore } from './secrets.ts'
import type { StoreStats } from './stats.ts'
import type { TokenStore } from './tokens.ts'
import type { ArchiveWords } from './words.ts'

export type Log = (level: 'info' | 'warn' | 'error', text: string) => void

export interface StoreOptions {
  /** `postgres://user:password@host/database`; absent: the embedded engine. */
  readonly url?: string
  /** Folder of the embedded engine's data. */
  readonly data: string
  readonly log?: Log
  /** Connections for statements and transactions, beside the log's own; default 4. */
  readonly poolSize?: number
  /** Refuse to share the database with another server. Default: true for the embedded engine, false for a given server. */
  readonly exclusive?: boolean
  /** False trades safety for speed, for tests only: a power cut then loses data. It also allows {@link Store.wipe}. */
  readonly fsync?: boolean
  /** Milliseconds since 1970. */
  readonly clock?: () => number
}

/** What must last. Everything in it belongs to an owner JID, to a host, or to the whole server. */
export interface Store {
  readonly kind: 'embedded' | 'postgresql'
  /** For people: kind, version, place; without the password. */
  readonly description: string
  readonly accounts: AccountStore
  readonly rosters: RosterStore
  readonly messages: MessageLog
  /** When the newest message was logged that was there at the opening (ms since 1970); undefined: there was none. */
  readonly resumedFrom: number | undefined
  readonly words: ArchiveWords
  readonly maps: MapStore
  readonly pubsub: PubsubStore
  readonly secrets: SecretStore
  readonly groups: GroupStore
  readonly gateways: GatewayStore
  readonly tokens: TokenStore
  /** Milliseconds of a round trip to the database; rejects with `unavailable`. */
  health(): Promise<number>
  stats(): StoreStats
  /** Work for a quiet hour, to be called daily: partitions ahead, expired tokens, old tombstones. */
  maintain(): Promise<void>
  /** Deletes everything that belongs to the owner, in one transaction; the name stays reserved for `reserve` ms (default 0). */
  removeAccount(owner: Owner, reserve?: number): Promise<void>
  /** Empties all tables. Only for a store opened with `fsync: false`. */
  wipe(): Promise<void>
  /** Commits what is queued and lets go; the embedded engine stops. */
  close(): Promise<void>
}
